"""Service levels: a month, a measure of it, its cases, and a case down to its events."""

from openbpo.surfaces.web.pages.levels import case, cases, measure, overview

__all__ = ["case", "cases", "measure", "overview"]
