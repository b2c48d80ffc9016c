"""Identity, keys and seals."""
