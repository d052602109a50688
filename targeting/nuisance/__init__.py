"""Cross-fitted models of mailing and outcomes, the doubly robust scores they give, and whether the arms compare."""
