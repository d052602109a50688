"""Time and memory of what users wait for, printed and never asserted; and public tables whose truth is known."""
