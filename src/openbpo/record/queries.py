"""Reading the record. What an incomplete recording brought in is never seen here."""

from openbpo.record.journal import entries, last_entry
from openbpo.record.store import (
    ALL_KNOWN,
    Extent,
    StoredLine,
    cases_corrected,
    cases_touched,
    columns_unlike_lines,
    corrections,
    events_of_active_cases,
    events_of_cases,
    extent,
    lines_of_recording,
    openings,
    subjects_active,
)

__all__ = [
    "ALL_KNOWN",
    "Extent",
    "StoredLine",
    "cases_corrected",
    "cases_touched",
    "columns_unlike_lines",
    "corrections",
    "entries",
    "events_of_active_cases",
    "events_of_cases",
    "extent",
    "last_entry",
    "lines_of_recording",
    "openings",
    "subjects_active",
]
