"""Versions of an agreement: proposed, signed, in force."""
