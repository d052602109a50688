"""Whom to mail: policies, their off-policy value, curves, and what would change the decision."""
