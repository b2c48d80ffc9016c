"""Where people and programs meet the product: the one place that wires things together."""
