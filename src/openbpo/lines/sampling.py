"""
Made-up rows, the same on every machine for the same seed.

Only `random.Random(seed).random()` and integers are used. Weights are shares of their own table's
sum.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Weighted: TypeAlias = Sequence[tuple[T, int]]
Band: TypeAlias = tuple[int, int]  # from, to: seconds, the end left out


class Dice:
    """Whole numbers from a seed, by the one method of Random that never changes."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random  # noqa: S311 - a demo's dice, no secret

    def below(self, sides: int) -> int:
        """Return one of 0, 1, ... sides - 1."""
        return int(self._random() * sides)

    def pick(self, choices: Weighted[T]) -> T:
        """Return one of the choices, each as often as its weight says."""
        left = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        raise AssertionError("the weights sum to more than themselves")

    def within(self, bands: Weighted[Band]) -> int:
        """Return a number of seconds within one of the bands."""
        start, end = self.pick(bands)
        return start + self.below(end - start)


def write_rows(path: str | Path, rows: Iterable[Sequence[str]], delimiter: str = ",") -> None:
    """Write rows as CSV; a name that ends in .gz is gzipped, without a time of writing."""
    path = Path(path)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", delimiter=delimiter).writerows(rows)
    data = text.getvalue().encode()
    if path.suffix != ".gz":
        path.write_bytes(data)
        return
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data)
    path.write_bytes(packed.getvalue())
