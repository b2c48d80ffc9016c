"""
Drawings as SVG: in per cents, so that they stretch and their words keep their size.

No style stands in them, the policy forbids it: classes and presentation attributes alone. All
words and numbers pass through `format_html`, which escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from openbpo.surfaces.web.parts.pieces import Gap, Lane, Level, Month, Scale, Shape, Stretch, Trend

TREND_HEIGHT = 168
PLOT_TOP, PLOT_BOTTOM = 18, 140


def bridge_cell(scale: Scale, stretch: Stretch) -> SafeString:
    """Return a row of a bridge: a bar from a value to a value, or a mark; levels run through."""
    start, end = scale.place(stretch.start), scale.place(stretch.end)
    levels = _join(_upright(scale, level) for level in scale.levels)
    if start == end:
        piece = format_html('<line class="due" x1="{0}%" x2="{0}%" y1="20%" y2="80%"/>', start)
    else:
        kind = "gain" if end > start else "loss"
        piece = format_html(
            '<rect class="{}" x="{}%" width="{}%" y="28%" height="44%"/>',
            kind, min(start, end), abs(end - start),
        )  # fmt: skip
    return format_html('<svg class="draw" aria-hidden="true">{}{}</svg>', levels, piece)


def bridge_head(scale: Scale) -> SafeString:
    """Return the words over a bridge's drawings: where each level lies."""
    words = format_html_join(
        "",
        '<text class="strong" x="{}%" y="12" text-anchor="{}">{}</text>',
        (
            (scale.place(level.at), _aside(nth, len(scale.levels)), level.word)
            for nth, level in enumerate(scale.levels)
        ),
    )
    return format_html('<svg class="draw" height="16" aria-hidden="true">{}</svg>', words)


def _aside(nth: int, count: int) -> str:
    """Return how a level's word leans, so that two of them stand clear of one another."""
    if count == 1:
        return "middle"
    return "end" if nth == 0 else "start"


def _anchor(place: Decimal) -> str:
    if place < 12:
        return "start"
    return "end" if place > 88 else "middle"


def _upright(scale: Scale, level: Level) -> SafeString:
    kind = "level min" if level.is_minimum else "level"
    return format_html(
        '<line class="{0}" x1="{1}%" x2="{1}%" y1="0" y2="100%"/>', kind, scale.place(level.at)
    )


def _join(pieces: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def trend_drawing(trend: Trend) -> SafeString:
    """Return shares month by month; figures stand only where a month is not met."""
    places = [_across(nth, len(trend.months)) for nth in range(len(trend.months))]
    return format_html(
        '<svg class="draw trend" height="{}" role="img" aria-label="{}">{}{}{}{}</svg>',
        TREND_HEIGHT,
        f"{trend.label}: {_read_out(trend.months)}",
        _below(trend.scale),
        _join(_across_level(trend.scale, level) for level in trend.scale.levels),
        _path(trend, places),
        _join(
            _point(trend.scale, month, place, is_even=(len(trend.months) - nth) % 2 == 0)
            for nth, (month, place) in enumerate(zip(trend.months, places, strict=True))
        ),
    )


def _read_out(months: Sequence[Month]) -> str:
    return "; ".join(f"{month.word} {month.told}".strip() for month in months)


def _across(nth: int, count: int) -> Decimal:
    if count <= 1:
        return Decimal(50)
    return (Decimal(15) + Decimal(82) * nth / (count - 1)).quantize(Decimal("0.01"))


def _height(scale: Scale, value: Decimal) -> Decimal:
    share = scale.place(value) / 100
    return (PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * share).quantize(Decimal("0.1"))


def _below(scale: Scale) -> SafeString:
    minimum = next((level for level in scale.levels if level.is_minimum), None)
    if minimum is None:
        return mark_safe("")
    top = _height(scale, minimum.at)
    return format_html(
        '<rect class="below" x="0" width="100%" y="{}" height="{}"/>', top, PLOT_BOTTOM + 4 - top
    )


def _across_level(scale: Scale, level: Level) -> SafeString:
    y = _height(scale, level.at)
    return format_html(
        '<line class="{0}" x1="0" x2="100%" y1="{1}" y2="{1}"/>'
        '<text class="level-word" x="0" y="{2}">{3}</text>',
        "level min" if level.is_minimum else "level", y, y - 4, level.word,
    )  # fmt: skip


def _path(trend: Trend, places: Sequence[Decimal]) -> SafeString:
    pieces = []
    pairs = list(zip(trend.months, places, strict=True))
    for (one, x1), (other, x2) in pairwise(pairs):
        if one.value is None or other.value is None:
            continue
        soft = Shape.PRELIMINARY in (one.shape, other.shape)
        ends = x1, _height(trend.scale, one.value), x2, _height(trend.scale, other.value)
        kind = "path soft" if soft else "path"
        line = '<line class="{}" x1="{}%" y1="{}" x2="{}%" y2="{}"/>'
        pieces.append(format_html(line, kind, *ends))
    return _join(pieces)


# Each about (0, 0): a disc, a triangle that points down, two that meet, a ring, a square.
_MARKS = {
    Shape.MET: '<circle class="dot" r="4"/>',
    Shape.DEFAULT: '<path class="miss" d="M-5-4H5L0 5Z"/>',
    Shape.DISPUTED: '<path class="disputed" d="M-5-5L0 0L5-5V5L0 0L-5 5Z"/>',
    Shape.PRELIMINARY: '<circle class="ring" r="4"/>',
    Shape.LOW: '<rect class="vessel" x="-4" y="-4" width="8" height="8"/>',
    Shape.NOT_PROVABLE: '<rect class="vessel" x="-4" y="-4" width="8" height="8"/>',
}


def _point(scale: Scale, month: Month, x: Decimal, *, is_even: bool) -> SafeString:
    word = format_html(
        '<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>',
        "month even" if is_even else "month", x, TREND_HEIGHT - 6, _anchor(x), month.word,
    )  # fmt: skip
    if month.value is None:
        return word
    y = _height(scale, month.value)
    mark = mark_safe(_MARKS.get(Shape(month.shape), _MARKS[Shape.MET]))  # noqa: S308 - our own
    placed = format_html(
        '<svg x="{}%" y="{}" overflow="visible">{}<title>{} {}</title></svg>',
        x, y, mark, month.word, month.told,
    )  # fmt: skip
    if month.shape not in (Shape.DEFAULT, Shape.DISPUTED, Shape.PRELIMINARY):
        return placed + word
    kind = "disputed-word" if month.shape == Shape.DISPUTED else "miss-word"
    kind = "strong" if month.shape == Shape.PRELIMINARY else kind
    told = format_html(
        '<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>',
        kind, x, y + 18, _anchor(x), month.told,
    )  # fmt: skip
    return placed + told + word


def lane_drawing(lane: Lane) -> SafeString:
    """Return a day of a case: its stretches within the hours that the calendar counts."""
    pieces = format_html_join(
        "",
        '<rect class="{}" x="{}%" width="{}%" y="4" height="14"/>',
        ((one.kind, start, max(_in(lane, one.end) - start, Decimal("0.3")))
         for one in lane.stretches for start in [_in(lane, one.start)]),
    )  # fmt: skip
    due = (
        format_html('<line class="due" x1="{0}%" x2="{0}%" y1="0" y2="22"/>', _in(lane, lane.due))
        if lane.due is not None
        else ""
    )
    label = "; ".join(
        f"{_(one.kind)} {one.start:%H:%M}–{one.end:%H:%M} {one.told}".strip()
        for one in lane.stretches
    )
    return format_html(
        '<svg class="draw lane" height="22" role="img" aria-label="{}">'
        '<rect class="ground" x="0" width="100%" y="4" height="14"/>{}{}</svg>',
        f"{lane.word}: {label}", pieces, due,
    )  # fmt: skip


def _in(lane: Lane, at: datetime) -> Decimal:
    whole = (lane.closes - lane.opens).total_seconds()
    share = Decimal((at - lane.opens).total_seconds()) / Decimal(whole) * 100
    return min(max(share, Decimal(0)), Decimal(100)).quantize(Decimal("0.01"))


HATCH = mark_safe(
    '<svg class="hidden" aria-hidden="true" width="0" height="0"><defs>'
    '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><line class="hatch-line" y2="5"/></pattern></defs></svg>'
)

LANE_WORDS: dict[str, Callable[[], str]] = {
    "counted": lambda: _("counted"),
    "late": lambda: _("counted, after it was due"),
    "paused": lambda: _("paused"),
    "excluded": lambda: _("excluded"),
}


def lanes_key() -> list[tuple[SafeString, str]]:
    """Return what each kind of stretch looks like, with its word."""
    swatch = '<svg class="draw swatch" width="22" height="12" aria-hidden="true">{}</svg>'
    kinds = [
        (format_html(swatch, format_html('<rect class="{}" width="22" height="12"/>', kind)), say())
        for kind, say in LANE_WORDS.items()
    ]
    upright = mark_safe('<line class="due" x1="11" x2="11" y1="0" y2="12"/>')
    return [*kinds, (format_html(swatch, upright), _("due"))]


__all__ = ["HATCH", "Gap", "bridge_cell", "bridge_head", "lane_drawing", "lanes_key",
           "trend_drawing"]  # fmt: skip
