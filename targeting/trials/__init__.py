"""Campaigns laid out as target trials: who enters, the panel, and what a contact cost."""
