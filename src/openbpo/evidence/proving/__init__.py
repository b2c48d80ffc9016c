"""Recomputing every figure of a record from its events, in a pack or in the database."""
