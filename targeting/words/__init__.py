"""Numbers, features and estimators as people read them."""
