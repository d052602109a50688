"""What the facts say in words; no decision is taken here."""
