"""The month, as it is charged."""
