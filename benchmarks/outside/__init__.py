"""Packages that the pipeline does without, for comparison: `make bench` fetches them into a folder of their own."""
