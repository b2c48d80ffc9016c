"""What the work is worth: metering, rating, invoicing."""
