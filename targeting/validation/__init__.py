"""Learners judged by households they never saw: ranking, calibration, selection, and what effects depend on."""
