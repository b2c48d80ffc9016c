"""Lists of cases, and statements, as bytes that are small to keep and fast to read: pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from openbpo.billing.statements.model import CaseRow, CasesPage, Outcome
from openbpo.values.canonical import canonical_bytes
from openbpo.values.refusals import Refusal

LEVEL = 6
MOST_ROWS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
COLUMNS = (
    "case", "began", "ended", "counted_us", "paused_us", "limit_us", "outcome", "whose", "why",
    "unit", "group",
)  # fmt: skip
SORTS = ("case", "began", "ended", "counted_us")


def packed(told: Mapping[str, Any]) -> bytes:
    """Return canonical JSON, compressed."""
    return zlib.compress(canonical_bytes(dict(told)), LEVEL)


def unpacked(body: bytes) -> Any:
    """Return what was packed."""
    return json.loads(zlib.decompress(body))


def packed_rows(rows: Sequence[CaseRow]) -> bytes:
    """Return rows column by column, instants in microseconds since 1970."""
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    for name in ("began", "ended"):
        columns[name] = [None if at is None else (at - _EPOCH) // _US for at in columns[name]]
    columns["outcome"] = [outcome.value for outcome in columns["outcome"]]
    return packed({name: _short(values) for name, values in columns.items()})


def _short(values: list[Any]) -> Any:
    """A column of one value alone is told once."""
    if len(values) > 1 and all(value == values[0] for value in values):
        return {"all": values[0], "times": len(values)}
    return values


def page_of(
    figure: str,
    body: bytes,
    *,
    outcome: Outcome | None,
    why: str | None,
    units: tuple[int, int] | None,
    group: str | None,
    cases: Collection[str] | None,
    page: int,
    size: int,
    sort: str | None,
) -> CasesPage:
    """Return a page of packed rows. Raises Refusal for a page, size or order that cannot be."""
    _refuse_impossible(page, size, sort)
    columns = {name: _long(values) for name, values in unpacked(body).items()}
    outcomes = columns["outcome"]
    wanted: list[int] = list(range(len(outcomes)))
    if outcome is not None:
        wanted = [n for n in wanted if outcomes[n] == outcome]
    if why is not None:
        wanted = [n for n in wanted if columns["why"][n] == why]
    if group is not None:
        wanted = [n for n in wanted if columns["group"][n] == group]
    if cases is not None:
        named = set(cases)
        wanted = [n for n in wanted if columns["case"][n] in named]
    if units is not None:
        first, last = units
        wanted = [n for n in wanted if (unit := columns["unit"][n]) and first <= unit <= last]
    if sort is not None:
        _put_in_order(wanted, columns, sort)
    shown = wanted[(page - 1) * size : page * size]
    return CasesPage(
        figure=figure,
        rows=tuple(_row(columns, n) for n in shown),
        page=page,
        size=size,
        total=len(wanted),
        outcomes={one: outcomes.count(one) for one in dict.fromkeys(outcomes)},
    )


def _refuse_impossible(page: int, size: int, sort: str | None) -> None:
    if page < 1 or not 1 <= size <= MOST_ROWS:
        what = f"There is no page {page} of {size} cases."
        raise Refusal.of("page", what, f"Pages count from 1, of at most {MOST_ROWS} cases.")
    if sort is not None and sort.removeprefix("-") not in SORTS:
        what, remedy = f"Cases have no order {sort!r}.", f"They have: {', '.join(SORTS)}."
        raise Refusal.of("sort", what, f"{remedy} A minus before it turns it round.")


def _long(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values["all"]] * values["times"]


def _put_in_order(wanted: list[int], columns: Mapping[str, list[Any]], sort: str) -> None:
    """What has no value stands last, whichever way round; equals stay in the stored order."""
    column = columns[sort.removeprefix("-")]
    key: Callable[[int], Any] = column.__getitem__
    told = [n for n in wanted if column[n] is not None]
    untold = [n for n in wanted if column[n] is None]
    wanted[:] = sorted(told, key=key, reverse=sort.startswith("-")) + untold


def _row(columns: Mapping[str, list[Any]], n: int) -> CaseRow:
    at = {name: columns[name][n] for name in COLUMNS}
    began, ended = at.pop("began"), at.pop("ended")
    return CaseRow(
        **{**at, "outcome": Outcome(at["outcome"])},
        began=_instant(began),
        ended=None if ended is None else _instant(ended),
    )


def _instant(at_us: int) -> datetime:
    return _EPOCH + at_us * _US
