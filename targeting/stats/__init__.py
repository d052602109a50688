"""Statistics that know no retailer: estimates with clustered errors, joint inference, folds and resampling."""
