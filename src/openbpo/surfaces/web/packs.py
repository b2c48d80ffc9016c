"""
A page of an engagement's periods that opens from a file: no installation, no network, no script.

It is made of the same parts and the same style sheets as the pages, which stand in it whole; its
own policy allows these alone. All that is the record's is escaped, as on every page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from openbpo.agreements.versions.queries import terms_known
from openbpo.billing.statements.actions import cases_of, statement_of
from openbpo.billing.statements.model import CaseRow, Outcome
from openbpo.billing.statements.queries import period_names as known_periods
from openbpo.evidence.packs.making import period_names
from openbpo.record.checkpoints import read_note
from openbpo.record.sealing.queries import Sealed
from openbpo.storage.database import Transaction
from openbpo.storage.home import write_secret
from openbpo.surfaces.web import starting
from openbpo.surfaces.web.numbers import current_locale, figure_text
from openbpo.surfaces.web.parts.pieces import Table
from openbpo.surfaces.web.results import lines_table, results_table
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal, Unavailable

STYLES: Final = ("tokens.css", "parts.css")
STATIC: Final = Path(__file__).parent / "static" / "openbpo"
AT_A_TIME: Final = 1_000
PLAIN: Final = frozenset({Outcome.WITHIN, Outcome.BILLED})
"""Outcomes of which the cases are named; those of the others are told with their times."""


@dataclass(frozen=True, slots=True)
class PagesWanted:
    """Of which engagement a page is wanted, of which periods (None: of the last), and as sealed."""

    engagement_id: EngagementId
    periods: str | None
    checkpoint: Sealed | None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Told:
    """A period as the page shows it."""

    name: str
    told: Any
    results: Table
    lines: Table
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its cases: of each outcome how many, and which."""

    anchor: str
    name: str
    clause: str
    groups: Sequence[tuple[str, str, SafeString]]


def write_page(tx: Transaction, wanted: PagesWanted, path: Path) -> int:
    """Write the page, whole or not at all; return its bytes. Raises Refusal for no such period."""
    starting.start()
    with translation.override(wanted.language):
        content = page_of(tx, wanted).encode()
    _refuse_in_the_way(path)
    try:
        write_secret(path, content)
    except OSError as error:
        raise Unavailable.of(
            str(path), f"It cannot be written: {error.strerror or error}.", "Name another place."
        ) from error
    return len(content)


def _refuse_in_the_way(path: Path) -> None:
    if path.exists() and not (path.is_file() and path.read_bytes()[:15] == b"<!doctype html>"):
        raise Refusal.of(
            str(path), "Something else than a page has this name.", "Name another with --page."
        )


def page_of(tx: Transaction, wanted: PagesWanted) -> str:
    """Return the page."""
    if wanted.checkpoint is None:
        raise Refusal.of("page", "Nothing is recorded yet.", "Accept an agreement first.")
    terms = terms_known(tx, wanted.engagement_id, known=wanted.checkpoint.last_number)
    names = _names(tx, wanted, terms)
    style = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES)
    note = read_note(wanted.checkpoint.note)
    newest = terms[-1].agreement
    return render_to_string(
        "pack/page.html",
        {
            "agreement": newest,
            "periods": [_period(tx, wanted.engagement_id, name) for name in names],
            "style": mark_safe(style),  # noqa: S308 - our own files
            "policy": f"default-src 'none'; style-src 'sha256-{_digest(style)}'",
            "language": wanted.language,
            "note": str(note),
            "checkpoint": note.checkpoint,
            "root": note.checkpoint.root.hex(),
            "made_at": tx.at,
            "made_by": tx.context.principal,
        },
    )


def _names(tx: Transaction, wanted: PagesWanted, terms: Any) -> list[str]:
    if wanted.periods:
        return period_names(wanted.periods, terms)
    known = known_periods(tx, wanted.engagement_id)
    if not known:
        raise Refusal.of("page", "The record holds no period yet.", "Import its work first.")
    return known[-1:]


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _period(tx: Transaction, engagement_id: EngagementId, name: str) -> Told:
    told, locale = statement_of(tx, engagement_id, name).told, current_locale()
    zone = ZoneInfo(told["zone"])
    measures = [(f"measure:{one['id']}", one) for one in told["measures"]]
    charges = [(f"charge:{one['id']}", one) for one in told["charges"]]
    return Told(
        name=name,
        told=told,
        results=results_table(told, locale, with_money=True),
        lines=lines_table(told, locale),
        figures=[
            Figure(
                anchor=f"{name}-{figure.replace(':', '-')}",
                name=one["id"],
                clause=one["clause"] or "",
                groups=list(_groups(tx, engagement_id, name, figure, zone)),
            )
            for figure, one in (*measures, *charges)
        ],
    )


def _groups(
    tx: Transaction, engagement_id: EngagementId, period: str, figure: str, zone: ZoneInfo
) -> Iterator[tuple[str, str, SafeString]]:
    words = {
        Outcome.LATE: _("Late"), Outcome.OPEN: _("Open at the end"),
        Outcome.NOT_PROVABLE: _("Not provable"), Outcome.LEFT_OUT: _("Left out"),
        Outcome.WITHIN: _("Within"), Outcome.BILLED: _("Billed"),
    }  # fmt: skip
    for outcome, word in words.items():
        rows = list(_rows(tx, engagement_id, period, figure, outcome))
        if outcome is Outcome.LEFT_OUT:
            for why in dict.fromkeys(one.why for one in rows):
                of_it = [one for one in rows if one.why == why]
                yield f"{word}, {why}", figure_text(len(of_it), current_locale()), _keys(of_it)
        elif rows:
            shown = _keys(rows) if outcome in PLAIN else _timed(rows, zone)
            yield word, figure_text(len(rows), current_locale()), shown


def _rows(
    tx: Transaction, engagement_id: EngagementId, period: str, figure: str, outcome: Outcome
) -> Iterator[CaseRow]:
    number = 1
    while True:
        page = cases_of(
            tx, engagement_id, period, figure, outcome=outcome, page=number, size=AT_A_TIME
        )
        yield from page.rows
        if number * AT_A_TIME >= page.total:
            return
        number += 1


def _keys(rows: Sequence[CaseRow]) -> SafeString:
    """Cases by their keys alone: a month has thousands of them."""
    keys = " · ".join(conditional_escape(one.case) for one in rows)
    return format_html('<p class="case-keys">{}</p>', mark_safe(keys))  # noqa: S308 - escaped


def _timed(rows: Sequence[CaseRow], zone: ZoneInfo) -> SafeString:
    body = "".join(_timed_row(one, zone) for one in rows)
    head = "".join(
        f'<th scope="col">{conditional_escape(word)}'
        for word in (_("Case"), _("Began"), _("Ended"), _("Counted"), _("Why"))
    )
    return mark_safe(  # noqa: S308 - each value was escaped
        f'<div class="scroll" tabindex="0"><table class="table"><thead><tr>{head}<tbody>{body}'
        "</table></div>"
    )


def _timed_row(one: CaseRow, zone: ZoneInfo) -> str:
    counted = "" if one.counted_us is None else _hours(one.counted_us)
    why = f"{one.why or ''} {one.whose or ''}".strip()
    return (
        f"<tr><th scope=row>{conditional_escape(one.case)}<td>{_local(one.began, zone)}"
        f"<td>{_local(one.ended, zone)}<td>{counted}<td>{conditional_escape(why)}"
    )


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _hours(counted_us: int) -> str:
    minutes = counted_us // 60_000_000
    return f"{minutes // 60} h {minutes % 60:02}"
