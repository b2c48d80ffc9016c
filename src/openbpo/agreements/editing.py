"""
Single terms of an agreement, changed in its files: the rest of them, with its comments, stays.

A small set of terms can be changed so: thresholds, credit rates, low volumes, the cap, prices,
minimums, and which formula is agreed. For all else there are the files themselves.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from openbpo.agreements.files import Files
from openbpo.values.refusals import Mistake, Refusal

Kind = Literal["threshold", "credit", "low volume", "cap", "price", "minimum", "formula"]
Path = tuple[str | int, ...]
REGIME, CHARGES, MEASURES, HEAD = "regime.yaml", "charges.yaml", "measures.yaml", "agreement.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term that can be changed: where it stands, what it is about, its value and unit."""

    file: str
    path: Path
    kind: Kind
    about: str
    number: int = 0
    value: str
    unit: str = ""
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return by what a form names it."""
        return "-".join(str(part) for part in (self.file.partition(".")[0], *self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What a version is told apart by: its number, what it supersedes, its first day."""

    number: int
    supersedes: Sequence[int]
    first_day: date


def editable(files: Files) -> list[Term]:
    """Return the terms of sound files that can be changed one by one."""
    return [*_of_regime(_load(files, REGIME)), *_of_charges(_load(files, CHARGES)),
            *_of_measures(_load(files, MEASURES))]  # fmt: skip


def edited(files: Files, changes: Mapping[str, str], version: NewVersion) -> Files:
    """
    Return the files of a new version in which the terms of these keys have other values.

    Raises Refusal that names each value that cannot be one. Whether the agreement is sound then is
    for the reader of agreements to say.
    """
    known = {term.key: term for term in editable(files)}
    mistakes = [m for key, value in changes.items() if (m := _mistake(known[key], value))]
    if mistakes:
        raise Refusal(*mistakes)
    trees = {name: _load(files, name) for name in (REGIME, CHARGES, MEASURES, HEAD)}
    written = {HEAD}
    for key, value in changes.items():
        term = known[key]
        if value.strip() != term.value:
            _set(trees[term.file], term, value.strip())
            written.add(term.file)
    _head(trees[HEAD], version)
    return {**files, **{name: _dumped(trees[name]) for name in sorted(written)}}


def _of_regime(tree: Any) -> Iterator[Term]:
    for nth, level in enumerate(tree["service_levels"]):
        at, about = ("service_levels", nth), str(level["measure"])
        yield from _of_levels(level["levels"], (*at, "levels"), about)
        if "below" in level.get("low_volume", {}):
            value = str(level["low_volume"]["below"])
            yield Term(file=REGIME, path=(*at, "low_volume", "below"), kind="low volume",
                       about=about, value=value)  # fmt: skip
    if cap := tree["credit"].get("cap"):
        value, unit = _split(cap["at_most"])
        yield Term(file=REGIME, path=("credit", "cap", "at_most"), kind="cap", about="",
                   value=value, unit=unit)  # fmt: skip


def _of_levels(levels: Any, at: Path, about: str) -> Iterator[Term]:
    names: tuple[tuple[str, Kind], ...] = (("at_least", "threshold"), ("credit", "credit"))
    for number, level in enumerate(levels, start=1):
        for name, kind in names:
            if name in level:
                value, unit = _split(level[name])
                yield Term(file=REGIME, path=(*at, number - 1, name), kind=kind, about=about,
                           number=number, value=value, unit=unit)  # fmt: skip


def _of_charges(tree: Any) -> Iterator[Term]:
    for nth, charge in enumerate(tree["charges"]):
        at: Path = ("charges", nth, "price")
        tiers = charge["price"].get("graduated")
        paths = [(*at, "graduated", n, "each") for n in range(len(tiers or ()))] or [(*at, "each")]
        for number, path in enumerate(paths, start=1):
            value, unit = _split(_at(tree, path))
            yield Term(file=CHARGES, path=path, kind="price", about=str(charge["id"]),
                       number=number if tiers else 0, value=value, unit=unit)  # fmt: skip
    for nth, minimum in enumerate(tree.get("minimums") or ()):
        value, unit = _split(minimum["at_least"])
        yield Term(file=CHARGES, path=("minimums", nth, "at_least"), kind="minimum",
                   about=str(minimum["id"]), value=value, unit=unit)  # fmt: skip


def _of_measures(tree: Any) -> Iterator[Term]:
    for nth, measure in enumerate(tree):
        if "judged_by" in measure:
            yield Term(file=MEASURES, path=(nth, "judged_by"), kind="formula",
                       about=str(measure["id"]), value=str(measure["judged_by"]),
                       choices=tuple(str(name) for name in measure["formulas"]))  # fmt: skip


def _split(text: Any) -> tuple[str, str]:
    value, _, unit = str(text).partition(" ")
    return value, unit


def _mistake(term: Term, value: str) -> Mistake | None:
    if term.choices:
        if value in term.choices:
            return None
        return Mistake(term.key, f"{value!r} is no formula.", f"There are: {term.choices}.")
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        return Mistake(term.key, f"{value!r} is no figure.", "Write it as 95 or 26.25.")
    return None


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def _set(tree: Any, term: Term, value: str) -> None:
    holder, name = _at(tree, term.path[:-1]), term.path[-1]
    was = holder[name]
    holder[name] = int(value) if term.kind == "low volume" and value.isdecimal() else (
        f"{value} {term.unit}" if term.unit else value
    )  # fmt: skip
    if term.kind == "threshold":
        for level in _at(tree, term.path[:-2]):
            if level.get("below") == was:
                level["below"] = holder[name]


def _head(tree: Any, version: NewVersion) -> None:
    tree["version"] = version.number
    numbers = CommentedSeq(version.supersedes)
    numbers.fa.set_flow_style()
    if "supersedes" in tree:
        tree["supersedes"] = numbers
    elif version.supersedes:
        tree.insert(list(tree).index("version") + 1, "supersedes", numbers)
    tree["in_force"]["from"] = version.first_day


WIDE: Final = 4_096


def _yaml(*, is_list: bool) -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = WIDE
    yaml.indent(mapping=2, sequence=2 if is_list else 4, offset=0 if is_list else 2)
    return yaml


def _load(files: Files, name: str) -> Any:
    return _yaml(is_list=False).load(files[name].decode())


def _dumped(tree: Any) -> bytes:
    out = io.BytesIO()
    _yaml(is_list=isinstance(tree, list)).dump(tree, out)
    return out.getvalue()
