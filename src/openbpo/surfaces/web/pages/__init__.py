"""The pages: a module each, found by the address table. See docs/explanation/pages.md."""
