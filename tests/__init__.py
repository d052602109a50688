"""Tests against hand-worked cases, other libraries, slow obvious loops and known truths."""
