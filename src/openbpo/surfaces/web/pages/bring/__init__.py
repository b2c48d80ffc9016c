"""Bring your own: a file becomes an engagement with its first verdict."""

from openbpo.surfaces.web.pages.bring import views

__all__ = ["views"]
