"""Imports of an engagement: bringing a further file, and what became of each."""

from openbpo.surfaces.web.pages.imports import views

__all__ = ["views"]
