"""Who signs in: names, passwords and factors. What they may do is in `trust.roles`."""
