"""The agreement: read, compared, proposed, signed."""

from openbpo.surfaces.web.pages.agreement import comparing, proposing, reading, signing

__all__ = ["comparing", "proposing", "reading", "signing"]
