"""Somebody else's figures against the recomputed ones: where they differ, why, and by how much."""
