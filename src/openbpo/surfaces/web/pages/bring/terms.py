"""The form of an agreement's plain terms, in words of the file that was brought."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.delivery.intake.guess_choices import Choices, Taken
from openbpo.delivery.intake.guess_columns import identifier
from openbpo.lines.plain_terms import ACTIVITY, FIRST_EVENT, TEMPLATES, TYPE, PlainTerms
from openbpo.values.refusals import Refusal

FINISHED = tuple(
    re.compile(words)
    for words in (
        r"resol|solv|gel(ö|o)st|answer",
        r"clos|geschlossen|cerrad|fechad|zamkn",
        r"done|complet|finish|\bend",
    )
)
"""What mostly stops a clock, the likeliest first."""
PAUSED = re.compile(r"wait|pend|hold|rückfrage|espera|await|suspend")
_DAYS = ("monday to friday", "monday to saturday", "monday to sunday")


def moments(kept: Mapping[str, Any], choices: Choices) -> list[tuple[str, str]]:
    """Return what can start and stop a clock: the file's events, or what was done in its rows."""
    if choices.tells_several:
        times = choices.taken_as(Taken.TIME)
        return [(f"{TYPE}{one.name}", one.title) for one in times]
    return [(f"{ACTIVITY}{value}", value) for value in kept["activities"]]


def likely_end(found: Sequence[tuple[str, str]]) -> str:
    """Return the moment whose word says that a case is finished; else the last one."""
    for pattern in FINISHED:
        fitting = [moment for moment, word in found if pattern.search(word.lower())]
        if fitting:
            return fitting[-1]
    return found[-1][0] if found else ""


class TermsForm(forms.Form):
    """The terms of one clock and one price."""

    title = forms.CharField(label=gettext_lazy("What the engagement is called"), max_length=120)
    side = forms.ChoiceField(
        label=gettext_lazy("You read it as the"),
        choices=[("client", gettext_lazy("client")), ("provider", gettext_lazy("provider"))],
    )
    client = forms.CharField(label=gettext_lazy("Client's name"), max_length=120)
    provider = forms.CharField(label=gettext_lazy("Provider's name"), max_length=120)
    country = forms.CharField(
        label=gettext_lazy("Country of both"), max_length=2,
        help_text=gettext_lazy("Two letters, as ES. Addresses and tax numbers can follow."),
    )  # fmt: skip
    zone = forms.CharField(
        label=gettext_lazy("Time zone of the agreement"), max_length=64,
        help_text=gettext_lazy("Days and months begin by its clock."),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )  # fmt: skip
    in_force = forms.CharField(
        label=gettext_lazy("In force from"), max_length=10,
        help_text=gettext_lazy("Rows from before it are measured by nothing."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )  # fmt: skip
    started = forms.ChoiceField(label=gettext_lazy("The clock starts at"))
    finished = forms.ChoiceField(label=gettext_lazy("and stops at"))
    which_finish = forms.ChoiceField(
        label=gettext_lazy("If that comes several times"),
        choices=[
            ("last", gettext_lazy("the last one counts")),
            ("first", gettext_lazy("the first one counts")),
        ],
    )
    paused = forms.MultipleChoiceField(
        label=gettext_lazy("It stands still after"), required=False,
        help_text=gettext_lazy("Until the case's next event. None: it never stands still."),
        widget=forms.SelectMultiple(attrs={"size": "5"}),
    )  # fmt: skip
    within = forms.CharField(
        label=gettext_lazy("Limit"), max_length=20,
        help_text=gettext_lazy("Of counted time: 8 h, 30 min or 20 s."),
    )  # fmt: skip
    is_always = forms.BooleanField(
        label=gettext_lazy("Around the clock"), required=False,
        help_text=gettext_lazy("Every minute counts: days, hours and holidays say nothing then."),
    )  # fmt: skip
    days = forms.ChoiceField(label=gettext_lazy("Days that count"))
    opens = forms.CharField(label=gettext_lazy("from"), max_length=5)
    closes = forms.CharField(label=gettext_lazy("to"), max_length=5)
    holidays = forms.CharField(
        label=gettext_lazy("Public holidays of"), required=False, max_length=2,
        help_text=gettext_lazy("A country's two letters; empty: none are free."),
    )  # fmt: skip
    expected = forms.CharField(label=gettext_lazy("Expected level, %"), max_length=12)
    minimum = forms.CharField(label=gettext_lazy("Minimum level, %"), max_length=12)
    below_expected = forms.CharField(
        label=gettext_lazy("Credit below expected, % of fees"), max_length=12
    )
    below_minimum = forms.CharField(
        label=gettext_lazy("Credit below minimum, % of fees"), max_length=12
    )
    low_volume = forms.CharField(
        label=gettext_lazy("Low volume: fewer cases than"), max_length=9,
        help_text=gettext_lazy("Such a month gives no credit."),
    )  # fmt: skip
    rate = forms.CharField(label=gettext_lazy("Price of each finished case"), max_length=20)
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3)
    tax = forms.CharField(label=gettext_lazy("Tax, %"), required=False, max_length=12)

    def __init__(
        self, data: Any, *, line: str, kept: Mapping[str, Any], choices: Choices, name: str
    ) -> None:
        found = moments(kept, choices)
        super().__init__(data, initial=_initial(line, kept, choices, found, name))
        self.line = line
        first = [(FIRST_EVENT, _("the case's first event"))]
        self.fields["started"].choices = [*first, *found]
        self.fields["finished"].choices = found
        self.fields["days"].choices = [(days, _(days)) for days in _DAYS]
        if choices.tells_several or not found:
            del self.fields["paused"]
        else:
            self.fields["paused"].choices = [
                (moment.removeprefix(ACTIVITY), word) for moment, word in found
            ]
        if choices.tells_several:
            del self.fields["which_finish"]

    def plain_terms(self, client_id: str, provider_id: str) -> PlainTerms:
        """Return the terms as they were typed."""
        told = self.cleaned_data
        texts = {
            name: str(told[name]).strip()
            for name in ("title", "client", "provider", "zone", "in_force", "days", "opens",
                         "closes", "started", "finished", "within", "expected", "minimum",
                         "below_expected", "below_minimum", "low_volume", "rate", "tax")
        }  # fmt: skip
        return PlainTerms(
            **texts,
            line=self.line,
            client_id=client_id,
            provider_id=provider_id,
            country=told["country"].strip().upper(),
            currency=told["currency"].strip().upper(),
            holidays=told["holidays"].strip().upper(),
            is_always=told["is_always"],
            which_finish=told.get("which_finish") or "last",
            paused=tuple(told.get("paused", ())),
        )

    def add_refusal(self, refusal: Refusal) -> None:
        """Name each mistake at its field, once; those of no field over the form."""
        for mistake in dict.fromkeys(refusal.mistakes):
            field = mistake.where if mistake.where in self.fields else None
            where = "" if field else f"{mistake.where}: "
            what = re.sub(r"^`[a-z_]+`", _("This"), mistake.what) if field else mistake.what
            words = f"{where}{what} {mistake.remedy}"
            if words not in self.errors.get(field or "__all__", []):
                self.add_error(field, words)


def _initial(
    line: str, kept: Mapping[str, Any], choices: Choices, found: Sequence[tuple[str, str]],
    name: str,
) -> dict[str, Any]:  # fmt: skip
    template = TEMPLATES[line]
    stem = name.partition(".")[0].replace("_", " ").replace("-", " ").strip() or line
    return {
        "title": stem[:1].upper() + stem[1:],
        "side": "client",
        "zone": choices.zone or "UTC",
        "in_force": f"{kept['first_year']}-01-01",
        "started": found[0][0] if choices.tells_several else FIRST_EVENT,
        "finished": likely_end(found),
        "which_finish": "last",
        "paused": [w for _m, w in found if PAUSED.search(w.lower())],
        "within": template.within,
        "is_always": template.is_always,
        "days": _DAYS[0],
        "opens": "08:00",
        "closes": "18:00",
        "expected": template.expected,
        "minimum": template.minimum,
        "below_expected": template.below_expected,
        "below_minimum": template.below_minimum,
        "low_volume": template.low_volume,
        "rate": template.rate,
        "currency": "EUR",
    }


def party_id(name: str) -> str:
    """Return a name among the keys that sign, which no other party of this machine has."""
    return f"{identifier(name).replace('_', '-')[:40]}-{secrets.token_hex(6)}"


def free_handle(title: str, taken: Sequence[str]) -> str:
    """Return a name for an engagement that is not among those taken."""
    wished = identifier(title).replace("_", "-")[:50]
    number, handle = 1, wished
    while handle in taken:
        number += 1
        handle = f"{wished}-{number}"
    return handle


__all__ = ["TermsForm", "free_handle", "moments", "party_id"]
