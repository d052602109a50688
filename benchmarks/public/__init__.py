"""The causal core on public tables whose truth is known, beside other packages' own estimates: `python -m benchmarks.public`."""
