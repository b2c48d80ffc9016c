"""
A first mapping of a file, guessed from a look at its first rows: pure.

It is a start to be read and corrected, so each line that could be otherwise says why it is so. What
each column is taken for is data too (`guess_choices`): a page shows it, a person changes it, and
the texts are written again (`guess_writing`).
"""

from __future__ import annotations

from openbpo.delivery.intake.files.looking import Look
from openbpo.delivery.intake.guess_choices import choose
from openbpo.delivery.intake.guess_columns import identifier, study
from openbpo.delivery.intake.guess_writing import Guess, quoted, write


def guess(look: Look) -> Guess:
    """Return a first mapping; raises Refusal if no column holds times or could name a case."""
    studied = study(look)
    return write(studied, choose(studied))


__all__ = ["Guess", "guess", "identifier", "quoted"]
