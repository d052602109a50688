"""Customer segmentation and causal campaign targeting: pure functions on tables and arrays, one subject per module."""
