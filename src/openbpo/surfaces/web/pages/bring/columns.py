"""
What was understood of a file: kept beside it, shown on its first rows, and changed by a person.

All but `BroughtForm` is pure. What is kept is plain JSON, so that the page needs no second look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.delivery.intake.guess_choices import Choices, ColumnChoice, Taken, changed
from openbpo.delivery.intake.guess_columns import Study
from openbpo.delivery.intake.time_guessing import swapped
from openbpo.values.refusals import Refusal

ROWS_SHOWN = 10
MOST_CELL = 80
MOST_MOMENTS = 200

TAKEN_WORDS: Mapping[Taken, Callable[[], str]] = {
    Taken.CASE: lambda: _("names the case"),
    Taken.TIME: lambda: _("when it happened"),
    Taken.TIME_OF_DAY: lambda: _("time of the day"),
    Taken.ACTIVITY: lambda: _("what happened"),
    Taken.FACT: lambda: _("a fact, kept"),
    Taken.CONTENT: lambda: _("personal: erasable"),
    Taken.UNUSED: lambda: _("left out"),
}


def kept_of(study: Study, choices: Choices) -> dict[str, Any]:
    """Return what is kept of a look at a file and of what its columns are taken for."""
    look = study.look
    activity = choices.taken_as(Taken.ACTIVITY)
    by_place = {column.place: column for column in study.columns}
    values = list(by_place[activity[0].place].values) if activity else []
    return {
        "header": list(look.header),
        "rows": [[_short(cell) for cell in row] for row in look.rows[:ROWS_SHOWN]],
        "seen": len(look.rows),
        "is_whole": look.is_whole,
        "faults": look.faults,
        "activities": sorted(values)[:MOST_MOMENTS],
        "first_year": _first_year(study, choices),
        "choices": asdict(choices),
    }


def choices_of(kept: Mapping[str, Any]) -> Choices:
    """Return the choices that were kept."""
    told = kept["choices"]
    columns = tuple(
        ColumnChoice(**{
            **one, "taken": Taken(one["taken"]),
            "empty": tuple(one["empty"]), "bad": tuple(one["bad"]),
        })
        for one in told["columns"]
    )  # fmt: skip
    return Choices(columns=columns, zone=told["zone"], doubled_hour=told["doubled_hour"])


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column as the page shows it: over its cells, with what it may be taken for."""

    place: int
    title: str
    why: str
    options: Sequence[tuple[str, str, bool]]
    wrong: str

    @property
    def field(self) -> str:
        """Return the name of its select."""
        return f"column-{self.place}"


def told(
    kept: Mapping[str, Any], wrong: Mapping[str, str]
) -> tuple[list[ShownColumn], list[list[str]]]:
    """Return the columns in the order of the file, and the first rows under them."""
    choices = {column.place: column for column in choices_of(kept).columns}
    shown = [
        ShownColumn(
            place, column.title, _why(column),
            [(one.value, TAKEN_WORDS[one](), one is column.taken) for one in Taken],
            wrong.get(f"column {place}", ""),
        )
        for place, column in sorted(choices.items())
    ]  # fmt: skip
    return shown, [[row[place] for place in sorted(choices)] for row in kept["rows"]]


def _why(column: ColumnChoice) -> str:
    if column.taken is not Taken.TIME:
        return column.why
    parts = [column.format, column.why]
    if column.name:
        parts.insert(0, _("event “%(name)s”") % {"name": column.name})
    if column.empty:
        words = ", ".join(f"“{one}”" if one else _("empty") for one in column.empty[:5])
        parts.append(_("%(words)s: it did not happen") % {"words": words})
    if column.bad:
        parts.append(_("%(n)s cells are no times") % {"n": len(column.bad)})
    return "; ".join(filter(None, parts))


def _short(cell: str) -> str:
    return cell if len(cell) <= MOST_CELL else f"{cell[:MOST_CELL]}…"


def _first_year(study: Study, choices: Choices) -> int:
    """Return the year before the first one seen: rows further on may tell of an earlier time."""
    from openbpo.values.time_formats import compile_time_format

    by_place = {column.place: column for column in study.columns}
    years = []
    for one in choices.taken_as(Taken.TIME):
        time_format = compile_time_format(one.format)
        for value in by_place[one.place].values:
            try:
                years.append(time_format.parse(value).year)
            except ValueError:
                continue
    return max(min(years, default=2010) - 1, 1970)


class BroughtForm(forms.Form):
    """The zone, the order of day and month, and what each column is taken for."""

    zone = forms.CharField(
        label=gettext_lazy("Time zone of the times"),
        help_text=gettext_lazy("No cell says it. As Europe/Madrid, or UTC."),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "data-own-zone": "", "autocomplete": "off"}),
    )
    doubled_hour = forms.ChoiceField(
        label=gettext_lazy("The hour that comes twice, when clocks go back"),
        choices=[
            ("earlier", gettext_lazy("means the earlier one")),
            ("later", gettext_lazy("means the later one")),
            ("refuse", gettext_lazy("is refused, row by row")),
        ],
        required=False,
    )
    order = forms.ChoiceField(label=gettext_lazy("Day and month"), required=False)

    def __init__(self, data: Any, kept: Mapping[str, Any]) -> None:
        choices = choices_of(kept)
        initial = {"zone": choices.zone, "doubled_hour": choices.doubled_hour, "order": "kept"}
        if not choices.zone:
            initial["doubled_hour"] = "earlier"
        super().__init__(data, initial=initial)
        self._choices = choices
        times = [c for c in choices.taken_as(Taken.TIME) if swapped(c.format)]
        if times:
            first = times[0]
            other = swapped(first.format) or ""
            self.fields["order"].choices = [
                ("kept", _order(first.format)), ("swapped", _order(other)),
            ]  # fmt: skip
            if not first.is_sure:
                self.fields["order"].help_text = _("No cell proves which it is: say it.")
        else:
            del self.fields["order"]
        if not choices.needs_zone:
            del self.fields["zone"], self.fields["doubled_hour"]

    def clean_zone(self) -> str:
        """Refuse what is no zone."""
        zone: str = self.cleaned_data["zone"].strip()
        if zone not in available_timezones():
            raise forms.ValidationError(_("Write an IANA zone, as Europe/Madrid, or UTC."))
        return zone

    def changed(self, study: Study, posted: Mapping[str, str]) -> Choices:
        """Return the choices as they are posted; raises Refusal at the columns that cannot be."""
        known = {one.value for one in Taken}
        taken = {
            column.place: Taken(told)
            for column in study.columns
            if (told := posted.get(f"column-{column.place}", "")) in known
        }
        cleaned = self.cleaned_data
        return changed(
            study, self._choices, taken=taken, zone=cleaned.get("zone", ""),
            doubled_hour=cleaned.get("doubled_hour") or "refuse",
            is_swapped=cleaned.get("order") == "swapped",
        )  # fmt: skip


def _order(time_format: str) -> str:
    said = _("month first: %(format)s") if time_format.startswith("M") else _(
        "day first: %(format)s")  # fmt: skip
    return said % {"format": time_format}


def wrong_at(refusal: Refusal) -> dict[str, str]:
    """Return what is wrong by place of the page: `column N`, or `columns` for all."""
    return {m.where: f"{m.what} {m.remedy}" for m in refusal.mistakes}


__all__ = ["BroughtForm", "ShownColumn", "choices_of", "kept_of", "told", "wrong_at"]
