"""Small tools around the pipeline; none of them is a stage."""
