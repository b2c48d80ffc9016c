"""The demonstration: two engagements with a year each, and people who sign in."""
