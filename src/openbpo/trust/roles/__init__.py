"""What people may do in an engagement: a role each, from a time until a time."""
