"""Words of disputes: states, deeds, causes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from openbpo.agreements.model import Side
from openbpo.billing.disputes.model import Deed, Dispute, DisputeState
from openbpo.billing.statements.bridging import Cause
from openbpo.billing.statements.model import Outcome
from openbpo.surfaces.web.engagements import Named
from openbpo.surfaces.web.numbers import current_locale, money_text
from openbpo.surfaces.web.pages.levels.figures import OUTCOME_WORDS, Told, named, titled
from openbpo.surfaces.web.parts.pieces import Chip, Shape
from openbpo.values.money import Money


def party(called: Named, side: Side) -> str:
    """Return the name of a side's party."""
    return called.own(side) or {"client": _("Client"), "provider": _("Provider")}[side]


def side_word(side: Side) -> str:
    """Return what a side is called in a finding."""
    return {"client": _("Client"), "provider": _("Provider")}[side]


def state_chip(dispute: Dispute) -> Chip:
    """Return how a dispute stands, as a chip."""
    known: Mapping[DisputeState, tuple[Shape, str]] = {
        DisputeState.OPEN: (Shape.DISPUTED, _("Open")),
        DisputeState.OFFERED: (Shape.DISPUTED, _("Offer on the table")),
        DisputeState.REFUSED: (Shape.DISPUTED, _("Refused")),
        DisputeState.SETTLED: (Shape.AGREED, _("Settled")),
        DisputeState.WITHDRAWN: (Shape.PLAIN, _("Withdrawn")),
    }
    return Chip(*known[dispute.state])


DEEDS: Mapping[Deed, Callable[[], str]] = {
    Deed.OPENED: lambda: _("disputed it"),
    Deed.REFUSED: lambda: _("refused"),
    Deed.OFFERED: lambda: _("offered"),
    Deed.ACCEPTED: lambda: _("accepted"),
    Deed.WITHDRAWN: lambda: _("withdrew"),
}


def line_text(dispute: Dispute) -> str:
    """Return what is disputed."""
    return _("Service credit") if dispute.line == "credit" else dispute.text


def amount(value: Money, dispute: Dispute) -> str:
    """Return an amount of the line: a credit is told as what it takes off, without its minus."""
    shown = -value if is_credit(dispute) else value
    return money_text(shown, None, current_locale())


def is_credit(dispute: Dispute) -> bool:
    """Whether the line takes off."""
    return dispute.line == "credit" or dispute.line.endswith(":credit")


def cause_title(cause: Cause, measure: Told) -> str:
    """Return what a cause is called: the narrowest count that holds its cases."""
    if cause.named:
        return _("Cases that are claimed otherwise")
    sizes = {one["id"]: one["cases"] for one in measure.get("counts", ())}
    held = cause.group.split(" ")
    if not sizes:
        return _CLOCK_GROUPS.get(cause.group, lambda: named(cause.group))()
    return titled(min(held, key=lambda name: (sizes.get(name, 0), held.index(name))))


_CLOCK_GROUPS: Mapping[str, Callable[[], str]] = {
    "completed within": lambda: _("Ended in time, begun in an earlier month"),
    "completed": lambda: _("Ended late, begun in an earlier month"),
    "received": lambda: _("Begun, and not ended in time"),
    "received within": lambda: _("Begun, and ended in time later"),
    "completed received": lambda: _("Begun and ended, late"),
    "completed received within": lambda: _("Begun and ended in time"),
}


def cause_text(cause: Cause, measure: Told) -> str:
    """Return how a cause's cases move: late by the one, within by the other."""
    before, after = OUTCOME_WORDS[cause.before.value](), OUTCOME_WORDS[cause.after.value]()
    said = _("%(before)s by the one, %(after)s by the other") % {
        "before": before, "after": after.lower(),
    }  # fmt: skip
    if cause.named or not measure.get("counts"):
        return said
    return f"{said}; {_('in')} {named(', '.join(cause.group.split(' ')))}"


def by_the_agreement(place: Outcome, against: Side) -> str:
    """Return what the agreement's words make of a cause's cases, and whose reading that is not."""
    words = {
        "client": _("%(place)s, not as the client says"),
        "provider": _("%(place)s, not as the provider says"),
    }
    return words[against] % {"place": OUTCOME_WORDS[place.value]()}
