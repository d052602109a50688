"""The next campaign: effects for its households, the mailing list, exploration, an experiment, monitoring."""
