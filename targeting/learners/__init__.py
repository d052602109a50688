"""Learners of effects by household, one file per kind; the registry names them."""
