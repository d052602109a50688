"""Learners of effects by household, one file a kind; the registry names them."""
