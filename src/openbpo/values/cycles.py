"""Letting Python look for cycles of objects only where there may be some."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_looking_for_cycles() -> Iterator[None]:
    """
    Run a block that makes many objects and no cycles of them.

    Looking for cycles among thousands of rows takes a sixth of an import, and among the events of a
    record that is held in memory a third of verifying it. What the block has made is not looked
    through when it ends either: freezing and unfreezing puts it where Python looks last.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.unfreeze()
            gc.enable()
