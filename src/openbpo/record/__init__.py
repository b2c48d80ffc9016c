"""The record: events that are appended and never changed."""
