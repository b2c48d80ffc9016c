"""Disputes: what each side says, what lies between them, and what can be done next."""

from openbpo.surfaces.web.pages.disputes import acting, listing, page

__all__ = ["acting", "listing", "page"]
