"""Who may do what in an engagement."""

from openbpo.trust.roles.store import granted_roles, grantings, grants_within

__all__ = ["granted_roles", "grantings", "grants_within"]
