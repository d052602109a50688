"""Who the customers are: factors, segments, their names, profiles and stability."""
