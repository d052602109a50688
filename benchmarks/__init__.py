"""Time and memory of what users wait for; printed, never asserted."""
