"""A period's invoice before it has a number: as it would be issued now."""
