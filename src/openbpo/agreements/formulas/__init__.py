"""Counts of cases and the shares that are made of them: what the check and the verdict share."""
