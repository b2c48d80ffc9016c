"""Filters and tags that every template has: figures by locale, and the parts of pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from openbpo.surfaces.web import numbers
from openbpo.surfaces.web.frame import HTMX, file_address
from openbpo.surfaces.web.parts import drawings
from openbpo.surfaces.web.parts.pieces import (
    BoardColumn,
    Chip,
    Gap,
    Lane,
    Scale,
    Shape,
    Step,
    Stretch,
    Table,
    Trend,
)
from openbpo.trust.roles.model import Right, Role
from openbpo.values.money import Money

register = template.Library()


# --- Figures ---------------------------------------------------------------------------------


@register.filter
def figure(value: numbers.Figure) -> str:
    """1234.50 -> 1,234.50, as the language writes it."""
    return numbers.figure_text(value, numbers.current_locale())


@register.filter
def difference(value: numbers.Figure) -> str:
    """A figure with its sign: +2.14, −9,210.00."""
    return numbers.signed_text(value, numbers.current_locale())


@register.filter
def money(value: Money | numbers.Figure, currency: str | None = None) -> str:
    """An amount with its currency: {{ amount|money:"EUR" }}, or a Money alone."""
    return numbers.money_text(value, currency, numbers.current_locale())


@register.filter
def share(points: numbers.Figure) -> str:
    """A share in per cent points: 82.02 -> 82.02 %."""
    return numbers.share_text(points, numbers.current_locale())


@register.filter
def day(value: date, width: str = "medium") -> str:
    """A day; `full` and `long` say more."""
    return numbers.day_text(value, numbers.current_locale(), width=width)


@register.filter
def moment(at: datetime, zone: str | None = None) -> str:
    """A moment by a zone's clock: {{ at|moment:"Europe/Rome" }}; without one by UTC."""
    return numbers.moment_text(at, numbers.current_locale(), zone)


@register.filter
def month(period: str) -> str:
    """A period such as 2026-09, in words."""
    return numbers.month_text(period, numbers.current_locale())


# --- The frame -------------------------------------------------------------------------------


@register.simple_tag
def file(name: str) -> str:
    """Return the address of a static file, with the hash of what it holds."""
    return file_address(name)


@register.simple_tag
def htmx_file() -> str:
    """Return the address of htmx, which a wheel carries."""
    return file_address(HTMX)


@register.filter
def may(visit: Any, right: str) -> bool:
    """Whether the visitor has a right, by its name: {% if visit|may:"SEE_MONEY" %}."""
    return bool(visit.may(Right[right]))


ROLE_WORDS: dict[Role, Callable[[], str]] = {
    Role.OPERATOR: lambda: _("operator"),
    Role.CLIENT_OWNER: lambda: _("client, service owner"),
    Role.CLIENT_USER: lambda: _("client, user"),
    Role.CLIENT_AUDITOR: lambda: _("client, auditor"),
    Role.PROVIDER_CONTRACT: lambda: _("provider, contract manager"),
    Role.PROVIDER_BILLING: lambda: _("provider, billing"),
    Role.PROVIDER_LEAD: lambda: _("provider, team lead"),
    Role.PROVIDER_ADMINISTRATOR: lambda: _("provider, administrator"),
}


@register.filter
def role(value: Role) -> str:
    """Return what a role is called."""
    return ROLE_WORDS[Role(value)]()


# --- Parts -----------------------------------------------------------------------------------

SHAPE_WORDS: dict[Shape, Callable[[], str]] = {
    Shape.MET: lambda: _("Met"),
    Shape.DEFAULT: lambda: _("Default"),
    Shape.LOW: lambda: _("Low volume"),
    Shape.NOT_PROVABLE: lambda: _("Not provable"),
    Shape.PRELIMINARY: lambda: _("Preliminary"),
    Shape.DISPUTED: lambda: _("Disputed"),
    Shape.AGREED: lambda: _("Agreed"),
    Shape.PLAIN: lambda: "",
}


@register.simple_tag
def chip(shape: Any, word: Any = "") -> SafeString:
    """{% chip "met" %}, {% chip "disputed" "1 line" %} or {% chip a_chip %}."""
    if isinstance(shape, Chip):
        shape, word = shape.shape, shape.word
    kind = Shape(shape)
    return format_html('<span class="chip {}">{}</span>', kind.value, word or SHAPE_WORDS[kind]())


@register.simple_block_tag
def head(content: str, finding: Any, over: Any = "", note: Any = "") -> SafeString:
    """{% head "Provider says 86 %" over="..." note="..." %} chips, a button {% endhead %}."""
    above = format_html('<p class="over">{}</p>', over) if over else ""
    below = format_html('<p class="note">{}</p>', note) if note else ""
    beside = format_html('<div class="row">{}</div>', content) if content.strip() else ""
    return format_html(
        '<div class="head"><div>{}<h1>{}</h1>{}</div>{}</div>', above, finding, below, beside
    )


@register.simple_block_tag
def tiles(content: str) -> SafeString:
    """At most four figures beside one another: {% tiles %}{% tile ... %}{% endtiles %}."""
    return format_html('<div class="tiles">{}</div>', content)


@register.simple_tag
def tile(label: Any, shown: Any, unit: Any = "", formula: Any = "") -> SafeString:
    """A figure with its label, and the formula line that made it."""
    behind = format_html(" <small>{}</small>", unit) if unit else ""
    line = format_html('<dd class="formula">{}</dd>', formula) if formula else ""
    return format_html(
        '<dl class="tile"><dt>{}</dt><dd class="fig">{}{}</dd>{}</dl>', label, shown, behind, line
    )


@register.simple_block_tag
def notice(content: str, title: Any = "", kind: str = "") -> SafeString:
    """{% notice "Two cases came late" %}...{% endnotice %}; kind is "" or "error"."""
    over = format_html("<h2>{}</h2>", title) if title else ""
    role_ = "alert" if kind == "error" else "note"
    return format_html('<div class="notice {}" role="{}">{}{}</div>', kind, role_, over, content)


@register.simple_block_tag
def empty(content: str, title: Any, note: Any = "") -> SafeString:
    """What to say where there is nothing yet: how to begin, with its button as content."""
    return format_html(
        '<div class="empty"><h2>{}</h2><p>{}</p><div class="row">{}</div></div>',
        title, note, content,
    )  # fmt: skip


@register.simple_block_tag
def section(content: str, title: Any, id: str, note: Any = "") -> SafeString:  # noqa: A002
    """A section with its head: {% section "Table" "table" "A note" %}...{% endsection %}."""
    said = format_html('<p class="note">{}</p>', note) if note else ""
    return format_html(
        '<section class="block" aria-labelledby="{0}"><h2 id="{0}">{1}</h2>{2}{3}</section>',
        id, title, said, content,
    )  # fmt: skip


@register.inclusion_tag("parts/table.html")
def table(table: Table) -> dict[str, Any]:
    """Show a Table."""
    return {"table": table}


@register.inclusion_tag("parts/field.html")
def field(field: Any, help: Any = "") -> dict[str, Any]:  # noqa: A002 - what a template says
    """Show a field of a Django form: label, input, help, and below it what is wrong."""
    return {"field": field, "help": help or field.help_text}


@register.inclusion_tag("parts/board.html")
def board(columns: Sequence[BoardColumn]) -> dict[str, Any]:
    """Show a board."""
    return {"columns": columns}


@register.inclusion_tag("parts/steps.html")
def steps(steps: Sequence[Step]) -> dict[str, Any]:
    """Show what can be done next."""
    return {"steps": steps}


@register.inclusion_tag("parts/lanes.html")
def lanes(lanes: Sequence[Lane | Gap]) -> dict[str, Any]:
    """Show a case's days."""
    rows = [(None if isinstance(one, Gap) else drawings.lane_drawing(one), one) for one in lanes]
    return {"rows": rows, "key": drawings.lanes_key(), "hatch": drawings.HATCH}


@register.inclusion_tag("parts/pairs.html")
def pairs(pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Show words and what they stand for: [(label, value), ...]."""
    return {"pairs": pairs}


@register.simple_tag
def trend(trend: Trend) -> SafeString:
    """Show a trend with its levels."""
    return drawings.trend_drawing(trend)


@register.simple_tag
def bridge_cell(scale: Scale, stretch: Stretch) -> SafeString:
    """Draw a row of a bridge."""
    return drawings.bridge_cell(scale, stretch)


@register.simple_tag
def button(word: Any, href: str = "", kind: str = "") -> SafeString:
    """{% button "Accept" %} submits; with an address it is a link. kind: "", go, small, bare."""
    if href:
        return format_html('<a class="button {}" href="{}">{}</a>', kind, href, word)
    return format_html('<button class="button {}">{}</button>', kind, word)


@register.filter
def as_input(bound: Any) -> SafeString:
    """Return a form field's input with our class; Django names its help and its error."""
    widget = bound.field.widget
    kind = getattr(widget, "input_type", "")
    widget.attrs.pop("placeholder", None)  # its label says it
    plain = kind in ("checkbox", "radio", "hidden")
    rendered: SafeString = bound.as_widget(attrs={} if plain else {"class": "input"})
    return rendered
