"""Which checkpoints there are."""

from openbpo.record.sealing.store import Sealed, all_sealed, last_sealed, sealed_at_size

__all__ = ["Sealed", "all_sealed", "last_sealed", "sealed_at_size"]
