"""What either side can hold, check and compare: evidence packs, replay, reconciliation."""
