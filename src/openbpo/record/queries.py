"""Reading the record. What an incomplete recording brought in is never seen here."""

from openbpo.record.store import Extent, events_of_active_cases, extent

__all__ = ["Extent", "events_of_active_cases", "extent"]
