"""How much there is to charge."""
