"""Making an event: pure; its randomness is handed in."""

from __future__ import annotations

from openbpo.record.leaves import commitments, leaf_hash, leaf_input
from openbpo.record.model import Committed, Envelope, NewEvent


def new_event(envelope: Envelope, facts: Committed, content: Committed) -> NewEvent:
    """Return the event with the commitments of its attributes and its leaf."""
    of_content = commitments(content)
    leaf = leaf_hash(leaf_input(envelope, commitments(facts), of_content))
    return NewEvent(envelope, facts, content, of_content, leaf)
