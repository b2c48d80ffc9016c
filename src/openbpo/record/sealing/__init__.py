"""Sealing: leaves become a tree with a signed root, outside the transactions that wrote them."""
