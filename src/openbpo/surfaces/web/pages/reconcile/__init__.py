"""The other side's report against the record."""

from openbpo.surfaces.web.pages.reconcile import views

__all__ = ["views"]
