"""Attempts to prove the effects wrong: refutations, refits, other mailings, hidden confounders, other designs."""
