"""A retailer's tables: reading, checking and writing them, and a household as of a day."""
