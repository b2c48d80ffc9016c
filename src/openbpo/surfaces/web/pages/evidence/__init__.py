"""The evidence: packs made and verified, checkpoints countersigned, who read what."""

from openbpo.surfaces.web.pages.evidence import audit, packs, verifying

__all__ = ["audit", "packs", "verifying"]
