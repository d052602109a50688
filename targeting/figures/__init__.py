"""Pictures, one module per chapter; every number in them stands in a table beside them."""
