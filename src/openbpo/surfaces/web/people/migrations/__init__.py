"""Django's migrations of the schema `web`."""
