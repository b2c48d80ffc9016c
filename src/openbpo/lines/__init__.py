"""The service lines, one folder each: its template agreement and its sample data."""
