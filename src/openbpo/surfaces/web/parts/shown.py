"""An example of every part, for the page that shows them all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms

from openbpo.surfaces.web.parts.drawings import bridge_cell, bridge_head
from openbpo.surfaces.web.parts.pieces import (
    BoardColumn,
    Card,
    Cell,
    Chip,
    Column,
    Gap,
    Lane,
    LaneStretch,
    Level,
    Month,
    Row,
    Scale,
    Shape,
    Step,
    Stretch,
    Table,
    Trend,
)

SCALE = Scale(
    Decimal(78),
    Decimal(90),
    (Level(Decimal(82), "minimum 82", is_minimum=True), Level(Decimal(85), "expected 85")),
)
SHARES = ("86.40", "87.10", "85.90", "83.90", "85.20", "86.00", "86.80", "81.40", "85.60", "86.30",
          "84.30", "82.02")  # fmt: skip
WORDS = ("Oct", "Nov", "Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep")


class ExampleForm(forms.Form):
    """Fields, one of them wrong."""

    given_on = forms.CharField(
        label="Notice given on", help_text="Within 15 business days of the cause, clause 6.1."
    )
    cause = forms.ChoiceField(label="Cause", choices=[("1", "Client's system down")])
    cases = forms.IntegerField(
        label="Cases touched",
        error_messages={"invalid": "A number is needed. Choose the cases, and they are counted."},
    )


def examples() -> dict[str, Any]:
    """Return what the page of parts shows."""
    return {
        "shapes": [shape for shape in Shape if shape is not Shape.PLAIN],
        "table": _table(),
        "bridge": _bridge(),
        "trend": Trend(_months(), SCALE, "Share of tickets resolved in time"),
        "lanes": _lanes(),
        "board": _board(),
        "steps": _steps(),
        "pairs": [("Order reference", "PO 4711"), ("Due", "1 Nov 2026"), ("Tax number", "IT0123")],
        "form": ExampleForm({"given_on": "14 Sep 2026, 09:26", "cause": "1", "cases": "84 or so"}),
    }


def _table() -> Table:
    columns = (
        Column("Measure"), Column("Clause"), Column("Result", is_number=True),
        Column("Of", is_number=True), Column("Credit, EUR", is_number=True), Column("Verdict"),
    )  # fmt: skip
    rows = [
        ("Standard tickets in 16 working hours", "Sch. 3, 2.1", "82.02 %", "4,994", "9,210.00",
         Shape.DEFAULT, "Default"),
        ("Accounts in 3 working hours", "Sch. 3, 2.2", "91.37 %", "1,182", "0.00",
         Shape.MET, "Met"),
        ("Major incidents in 4 hours", "Sch. 3, 2.3", "83.33 %", "12", "0.00",
         Shape.LOW, "Low volume"),
    ]  # fmt: skip
    told = [
        Row((Cell(name, href="#table"), *rest, Cell(chip=Chip(shape, word))))
        for name, *rest, shape, word in rows
    ]
    foot = (Row(("Credits of the month", "", "", "", "9,210.00", "")),)
    return Table(columns, told, foot=foot, are_links=True)


def _bridge() -> Table:
    columns = (
        Column("Cause"), Column("Cases", is_number=True), Column("Points", is_number=True),
        Column(bridge_head(SCALE), is_drawn=True), Column("Share, then", is_number=True),
    )  # fmt: skip
    steps = [
        ("Client says", "4,000 of 5,000 due", "", "", "80.00", "80.00", "strong"),
        ("Formula", "130 were still open at month end", "130", "+2.14", "80.00", "82.14", ""),
        ("Pause", "171 cases become in time", "171", "+3.86", "82.14", "86.00", ""),
        ("Provider says", "4,171 of 4,850 completed", "301", "+6.00", "86.00", "86.00", "strong"),
        ("By the agreement", "4,096 of 4,994 due", "", "", "82.02", "82.02", "judged strong"),
    ]
    rows = [
        Row(
            (Cell(cause, small=small), cases, points,
             Cell(drawing=bridge_cell(SCALE, Stretch(Decimal(start), Decimal(end)))),
             f"{end}\u00a0%"),
            kind,  # type: ignore[arg-type]
        )
        for cause, small, cases, points, start, end, kind in steps
    ]  # fmt: skip
    return Table(columns, rows)


def _months() -> list[Month]:
    return [
        Month(word, Decimal(share), _shape(Decimal(share), is_last=word == "Sep"), share)
        for word, share in zip(WORDS, SHARES, strict=True)
    ]


def _shape(share: Decimal, *, is_last: bool) -> Shape:
    if is_last:
        return Shape.PRELIMINARY
    return Shape.MET if share >= 85 else Shape.DEFAULT


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 9, day, hour, minute, tzinfo=UTC)


def _lanes() -> list[Lane | Gap]:
    def lane(day: int, word: str, *stretches: LaneStretch, total: str, due: Any = None) -> Lane:
        return Lane(word, _at(day, 8), _at(day, 18), stretches, total, due)

    return [
        lane(10, "Thu 10 Sep", LaneStretch(_at(10, 14, 20), _at(10, 18), "counted"),
             total="3 h 40"),
        lane(11, "Fri 11 Sep", LaneStretch(_at(11, 8), _at(11, 9), "counted"),
             LaneStretch(_at(11, 9), _at(11, 13), "paused", "by the client"),
             LaneStretch(_at(11, 13), _at(11, 15, 30), "counted"),
             LaneStretch(_at(11, 15, 30), _at(11, 17), "excluded"), total="3 h 30"),
        Gap("Sat 12 Sep and Sun 13 Sep: outside desk hours, nothing counts"),
        lane(14, "Mon 14 Sep", LaneStretch(_at(14, 8), _at(14, 16), "counted"),
             LaneStretch(_at(14, 16), _at(14, 18), "late"), total="10 h 00", due=_at(14, 16)),
    ]  # fmt: skip


def _board() -> list[BoardColumn]:
    return [
        BoardColumn("Data complete", "1 · 96,410.00", (
            Card("Calder & Wye", "claims intake", "96,410.00", Chip(Shape.DEFAULT, "1 blocker"),
                 "3 cases with no rate: due 8 Oct", "#board"),)),
        BoardColumn("Draft", "1 · 41,377.50", (
            Card("Brightwater", "appointments", "41,377.50", Chip(Shape.PRELIMINARY, "Preliminary"),
                 "1 sample not provable", "#board"),)),
        BoardColumn("Client review", "1 · 174,057.00", (
            Card("Aldermoor Energy", "help desk", "174,057.00", Chip(Shape.DISPUTED, "1 line"),
                 "5 business days left", "#board", is_current=True),)),
        BoardColumn("Approved", "0"),
        BoardColumn("Issued", "0"),
        BoardColumn("Paid", "1 · 19,204.40", (
            Card("Fennimore Foods", "payables", "19,204.40", Chip(Shape.MET, "Paid"),
                 "in full, 6 Oct"),)),
    ]  # fmt: skip


def _steps() -> list[Step]:
    return [
        Step("Confirm or contest the 6 duplicates", "until 12 Oct",
             "Confirmed: 82.02 %, 9,210.00 EUR. Contest two: 81.99 %, below the minimum.",
             "#steps", "Go through the 6 cases", is_main=True),
        Step("Show the request for 75 pauses, or drop them", "until 12 Oct",
             "Even if all 75 are shown, no money moves.",
             chip=Chip(Shape.PRELIMINARY, "Waiting for provider")),
    ]  # fmt: skip
