"""An invoice as it prints, each line and sum with what opens below it: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.billing.disputes.model import Dispute
from openbpo.billing.statements.decisions import bridge_of
from openbpo.billing.statements.model import Statement
from openbpo.surfaces.web.numbers import day_text, figure_text, money_text, share_text
from openbpo.surfaces.web.pages.billing.words import (
    DISPUTE_STATES,
    month_or_name,
    of_id,
    titled,
    titles,
)
from openbpo.surfaces.web.parts.drawings import bridge_cell
from openbpo.surfaces.web.parts.pieces import (
    Cell,
    Chip,
    Column,
    Row,
    Scale,
    Shape,
    Stretch,
    Table,
)
from openbpo.values.shares import decimal_text, parse_decimal

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """A word that leads somewhere; without an address it is said only."""

    word: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A row of what a figure follows from."""

    word: str
    figure: str
    links: Sequence[Link] = ()
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line of the sheet; `opens` is what it follows from, `says` its formula in one line."""

    anchor: str
    number: int
    text: str
    key: str
    amount: str
    service: str = ""
    quantity: str = ""
    each: str = ""
    reason: str = ""
    says: str = ""
    opens: Sequence[Opened] = ()
    chip: Chip | None = None
    href: str = ""
    """The page of its dispute, or the one on which it is disputed."""
    href_word: str = ""


@dataclass(frozen=True, slots=True)
class SheetSum:
    """A sum below the lines."""

    word: str
    amount: str
    anchor: str
    opens: Sequence[Opened] = ()
    says: str = ""
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A document as it prints."""

    title: str
    note: str
    provider: Sequence[str]
    client: Sequence[str]
    facts: Sequence[tuple[str, str]]
    currency: str
    lines: Sequence[SheetLine]
    sums: Sequence[SheetSum]
    ends: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """
    Where a sheet's figures lead.

    `cases` makes the address of a list of cases; None where the visitor may see no cases. `dispute`
    makes that of a dispute by its number; `disputing` of the page on which a line is disputed, None
    where it cannot be.
    """

    cases: Callable[[str], str] | None = None
    dispute: Callable[[int], str] | None = None
    disputing: Callable[[str], str] | None = None


def sheet(
    document: Json,
    *,
    locale: Locale,
    statement: Statement | None = None,
    disputes: Sequence[Dispute] = (),
    leads: Leads | None = None,
) -> Sheet:
    """
    Return an issued document, or the draft of one, as it prints.

    With its period's statement each figure opens.
    """
    return _Writing(document, locale, statement, disputes, leads or Leads()).sheet()


@dataclass(frozen=True)
class _Writing:
    document: Json
    locale: Locale
    statement: Statement | None
    disputes: Sequence[Dispute]
    leads: Leads

    def sheet(self) -> Sheet:
        of = self.document
        ends = [
            of["cancels"] and _("It takes invoice %(number)s of %(day)s back in full.")
            % {"number": of["cancels"]["number"], "day": self._day(of["cancels"]["issue_date"])},
            of["reason"] and _("Reason: %(reason)s") % {"reason": of["reason"]},
            of["due_days"] is not None and of["number"]
            and _("Payable within %(n)d days, by %(day)s.")
            % {"n": of["due_days"], "day": self._day(of["due_date"])},
        ]  # fmt: skip
        return Sheet(
            title=self._title(),
            note="" if of["number"] else _(
                "The number is given when it is issued. What is issued never changes; "
                "what is corrected is a new line with its reason."
            ),
            provider=_party(of["provider"]),
            client=_party(of["client"]),
            facts=list(self._facts()),
            currency=of["currency"],
            lines=[self._line(n, line) for n, line in enumerate(of["lines"], start=1)],
            sums=list(self._sums()),
            ends=[end for end in ends if end],
        )  # fmt: skip

    def _title(self) -> str:
        number = self.document["number"]
        if not number:
            return _("Invoice, as it would be issued now")
        if self.document["kind"] == "credit_note":
            return _("Credit note %(number)s") % {"number": number}
        return _("Invoice %(number)s") % {"number": number}

    def _facts(self) -> Iterator[tuple[str, str]]:
        of = self.document
        if of["number"]:
            yield _("Date"), self._day(of["issue_date"])
            if of["due_date"]:
                yield _("Due"), self._day(of["due_date"])
        elif of["due_days"] is not None:
            yield _("Terms"), _("%(n)d days from issue") % {"n": of["due_days"]}
        yield _("Service"), " – ".join(self._day(one) for one in of["service"])
        if of["order"]:
            yield _("Your order"), of["order"]
        agreed = of["agreement"]
        yield (
            _("Agreement"),
            _("%(title)s, version %(n)d") % {"title": agreed["title"], "n": agreed["version"]},
        )
        yield _("Currency"), of["currency"]

    def _day(self, text: str) -> str:
        return day_text(date.fromisoformat(text), self.locale)

    def _money(self, text: str) -> str:
        return figure_text(text, self.locale)

    @property
    def _called(self) -> dict[str, str]:
        return titles(self.statement.told) if self.statement is not None else {}

    def _line(self, number: int, line: Json) -> SheetLine:
        each = line["each"]
        dispute = self._dispute_of(line)
        opens = self._opens(line)
        return SheetLine(
            anchor=f"line-{number}",
            number=number,
            text=titled(line["text"], self._called or {_id(line): of_id(_id(line))}),
            key=line["key"],
            amount=self._money(line["amount"]),
            service=""
            if line["period"] == self.document["period"]
            else month_or_name(line["period"], self.locale),
            quantity="" if line["quantity"] is None else figure_text(line["quantity"], self.locale),
            each="" if each is None else self._money(decimal_text(parse_decimal(each))),
            reason=line["reason"] or "",
            says=self._says(line, opens),
            opens=opens,
            chip=_chip(dispute),
            **self._disputing(line, dispute),
        )  # fmt: skip

    def _dispute_of(self, line: Json) -> Dispute | None:
        if line["kind"] == "settlement":
            return None
        of_line = [one for one in self.disputes if one.line == line["key"]]
        return of_line[-1] if of_line else None

    def _disputing(self, line: Json, dispute: Dispute | None) -> dict[str, str]:
        if line["kind"] == "settlement" and self.leads.dispute is not None:
            return {"href": self.leads.dispute(line["dispute"]),
                    "href_word": _("Dispute %(n)d") % {"n": line["dispute"]}}  # fmt: skip
        if dispute is not None and self.leads.dispute is not None:
            return {"href": self.leads.dispute(dispute.number),
                    "href_word": _("Dispute %(n)d") % {"n": dispute.number}}  # fmt: skip
        if self.leads.disputing is not None and line["kind"] != "settlement":
            return {"href": self.leads.disputing(line["key"]),
                    "href_word": _("Dispute this line")}  # fmt: skip
        return {"href": "", "href_word": ""}

    def _says(self, line: Json, opens: Sequence[Opened]) -> str:
        """Return a line's formula: what opens it."""
        if not opens:
            return ""
        if line["kind"] == "credit":
            return _("the credit's arithmetic")
        if line["kind"] == "adjustment":
            return _("the cases that changed it")
        if line["quantity"] is None:
            return _("what was charged, and the least that is due")
        assert self.statement is not None
        rows = bridge_of(self.statement, f"line:{line['key']}")
        measured = next((row["cases"] for row in rows if row.get("row") == "measured"), 0)
        billed = next((row["cases"] for row in rows if row.get("row") == "billed"), 0)
        return _("%(measured)s measured, %(billed)s billed, %(units)s of them here") % {
            "measured": figure_text(measured, self.locale),
            "billed": figure_text(billed, self.locale),
            "units": figure_text(abs(line["quantity"]), self.locale),
        }

    def _opens(self, line: Json) -> list[Opened]:
        if self.statement is None or self.document["kind"] == "credit_note":
            return []
        if line["kind"] == "charge":
            rows = bridge_of(self.statement, f"line:{line['key']}")
            return [self.row(row, line) for row in rows]
        if line["kind"] == "credit":
            return [self.row(row, line) for row in bridge_of(self.statement, "credit")]
        if line["kind"] == "adjustment":
            return list(self._adjusted(line))
        return []

    def _adjusted(self, line: Json) -> Iterator[Opened]:
        assert self.statement is not None
        for one in self.statement.told["adjustments"]:
            if one["period"] != line["period"]:
                continue
            why: dict[str, int] = {}
            for reason in one["reasons"]:
                why[reason["why"]] = why.get(reason["why"], 0) + ("case" in reason)
            for text, count in why.items():
                yield Opened(
                    text,
                    figure_text(count, self.locale) if count else "",
                    self._cases({"figure": f"adjustment:{line['period']}", "why": text}, count),
                )
            yield Opened(_("This line"), self._money(line["amount"]), is_sum=True)

    def _cases(self, asked: Mapping[str, str], count: int) -> list[Link]:
        if self.leads.cases is None or not count:
            return []
        word = ngettext("%(n)s case", "%(n)s cases", count) % {"n": figure_text(count, self.locale)}
        return [Link(word, self.leads.cases(urlencode(asked)))]

    def row(self, row: Json, line: Json) -> Opened:
        """Return a row of a bridge in words."""
        name = row["row"]
        if name in ("seen", "before", "open", "measured", "left_out", "not_provable", "billed"):
            links = self._cases(_asked(row["opens"]), abs(row["cases"])) if row["opens"] else []
            return Opened(
                self._volume_word(row, line), figure_text(row["cases"], self.locale), links,
                is_sum=name in ("measured", "billed"),
            )  # fmt: skip
        if name == "units":
            told = _("%(units)s in this line, at %(each)s") % {
                "units": figure_text(row["quantity"], self.locale),
                "each": money_text(decimal_text(parse_decimal(row["each"])),
                                   self.document["currency"], self.locale),
            }  # fmt: skip
            links = self._cases(_asked(row["opens"]), row["quantity"])
            return Opened(told, self._money(row["amount"]), links, is_sum=True)
        if name == "measure":
            return self._measure(row)
        return self._amount_row(row)

    def _volume_word(self, row: Json, line: Json) -> str:
        assert self.statement is not None
        charge = next(c for c in self.statement.told["charges"] if c["id"] == _id(line))
        told = {"moment": charge["moment"].replace("_", " "), "why": row["why"] or ""}
        words = {
            "seen": _("Seen in the month"),
            "before": _("%(moment)s in an earlier month, and charged there"),
            "open": _("Not yet %(moment)s at the month's end"),
            "measured": _("%(moment)s in the month"),
            "left_out": _("Not charged: %(why)s"),
            "not_provable": _("Not provable: %(why)s"),
            "billed": _("Billed"),
        }
        text = words[row["row"]] % told
        return f"{text[:1].upper()}{text[1:]}"

    def _measure(self, row: Json) -> Opened:
        assert self.statement is not None
        told = next(m for m in self.statement.told["measures"] if m["id"] == row["measure"])
        number = f"{figure_text(row['numerator'], self.locale)} / " + figure_text(
            row["denominator"], self.locale
        )
        shown = _points(row["compared"] or row["share"])
        share = share_text(shown, self.locale) if shown is not None else _("nothing to measure")
        verdict = {
            "met": _("met"), "default": _("default"), "low_volume": _("low volume"),
        }.get(row["verdict"] or "", "")  # fmt: skip
        verdict = ", ".join(part for part in (verdict, self._band(row["level"])) if part)
        late = row["denominator"] - row["numerator"]
        links = []
        for kind, count in (("numerator", row["numerator"]), ("late", late)):
            word = _("%(n)s within") if kind == "numerator" else _("%(n)s not")
            if self.leads.cases is not None and count:
                links.append(
                    Link(
                        word % {"n": figure_text(count, self.locale)},
                        self.leads.cases(urlencode(_asked(row["opens"][kind]))),
                    )
                )
        rate = _points(row["rate"]) if row["rate"] else None
        return Opened(
            f"{of_id(told['id'])}: {number} = {share}, {verdict}".rstrip(", "),
            share_text(rate, self.locale) if rate else "",
            links,
        )

    def _band(self, level: Json | None) -> str:
        """Return the level that a result lies in, by its bound that matters."""
        if level is None:
            return ""
        if level["is_met"] or level["below"] is None:
            return _("at least %(share)s") % {"share": self._share(level["at_least"])}
        return _("below %(share)s") % {"share": self._share(level["below"])}

    def _share(self, text: str) -> str:
        return share_text(_points(text) or Decimal(0), self.locale)

    def _amount_row(self, row: Json) -> Opened:
        words = {
            "rates added": _("Rates of all defaults, added"),
            "cap": _("Cap") if not row.get("is_reached") else _("Cap, which is reached"),
            "base": _("Base: %(what)s") % {"what": of_id(row.get("id") or "")},
            "credit": _("Credit"),
            "charged": _("Charged"),
            "at least": _("Due at least"),
            "made up": _("Made up by this line"),
            "fees": _("Fees of the month"),
            "net": _("Net"),
            "tax": _("Tax"),
            "total": _("Total"),
            "due": _("Due"),
            "adjustment": _("Adjustment"),
        }
        name: str = row["row"]
        amount, rate = row.get("amount"), row.get("rate")
        if name == "line":
            key = str(row["opens"]).removeprefix("line:")
            found = next((i for i, one in enumerate(self.document["lines"], 1)
                          if one["key"] == key), None)  # fmt: skip
            links = [Link(_("line %(n)d") % {"n": found}, f"#line-{found}")] if found else []
            text = next((one["text"] for one in self.document["lines"] if one["key"] == key), key)
            return Opened(titled(text, self._called), self._money(amount or "0"), links)
        word = words.get(name, name)
        points = _points(rate) if rate is not None else None
        if name == "adjustment" and "period" in row:
            word = _("Adjustment of %(month)s") % {
                "month": month_or_name(row["period"], self.locale)
            }
        if amount is None:
            return Opened(
                word, share_text(points, self.locale) if points is not None else _("none")
            )
        exact = row.get("exact")
        if points is not None and exact is not None:
            word = _("%(what)s: %(rate)s of it, exactly %(exact)s") % {
                "what": word,
                "rate": share_text(points, self.locale),
                "exact": figure_text(exact, self.locale),
            }
        shown = self._money(amount if row.get("sign", 1) == 1 else f"-{amount}")
        return Opened(word, shown, is_sum=name in ("credit", "made up", "total", "due"))

    def _sums(self) -> Iterator[SheetSum]:
        of = self.document
        yield SheetSum(_("Net"), self._money(of["net"]), "sum-net", self._net())
        for n, tax in enumerate(of["taxes"], start=1):
            yield SheetSum(
                self._tax_word(tax), self._money(tax["amount"]), f"sum-tax-{n}", self._tax(tax)
            )
        word = _("Total credited") if of["kind"] == "credit_note" else _("Total due")
        total = [
            Opened(_("Net"), self._money(of["net"]), [Link(_("net"), "#sum-net")]),
            Opened(_("Tax"), self._money(of["tax"]),
                   [Link(_("tax"), "#sum-tax-1")] if of["taxes"] else []),
            Opened(word, self._money(of["total"]), is_sum=True),
        ]  # fmt: skip
        yield SheetSum(
            f"{word}, {of['currency']}", self._money(of["total"]), "sum-total", total,
            is_total=True,
        )  # fmt: skip

    def _net(self) -> list[Opened]:
        lines = [
            Opened(titled(line["text"], self._called), self._money(line["amount"]),
                   [Link(_("line %(n)d") % {"n": n}, f"#line-{n}")])
            for n, line in enumerate(self.document["lines"], start=1)
        ]  # fmt: skip
        return [*lines, Opened(_("Net"), self._money(self.document["net"]), is_sum=True)]

    def _tax_word(self, tax: Json) -> str:
        rate = share_text(_points(tax["rate"]) or Decimal(0), self.locale)
        if tax["category"] == "standard":
            return _("%(name)s %(rate)s of %(base)s") % {
                "name": tax["name"], "rate": rate, "base": self._money(tax["base"]),
            }  # fmt: skip
        return str(tax["reason"] or tax["name"] or _("Tax"))

    def _tax(self, tax: Json) -> list[Opened]:
        if self.statement is None or self.document["kind"] == "credit_note" or not tax["rate"]:
            return []
        own = [
            self.row(row, {}) for row in bridge_of(self.statement, "tax")
            if row["row"] != "net"
        ]  # fmt: skip
        adjusted = [
            Opened(_("Tax of the adjustment of %(month)s")
                   % {"month": month_or_name(one["period"], self.locale)},
                   self._money(one["difference"]["tax_amount"]))
            for one in self.statement.told["adjustments"]
        ]  # fmt: skip
        base = Opened(_("Base"), self._money(tax["base"]), [Link(_("net"), "#sum-net")])
        return [base, *own, *adjusted, Opened(_("Tax"), self._money(tax["amount"]), is_sum=True)]


def _id(line: Json) -> str:
    """Return the id of a line's charge, minimum or credit."""
    return str(line["key"]).rpartition(":")[2].partition("/")[0]


def _asked(opens: Json) -> dict[str, str]:
    """Return what a list of cases is asked for, as an address holds it."""
    asked = {name: opens[name] for name in ("figure", "outcome", "why") if opens.get(name)}
    if opens.get("units"):
        first, last = opens["units"]
        asked["units"] = f"{first}-{last}"
    return asked


def _points(share: str | None) -> Decimal | None:
    """Return a share or rate in per cent points; a fraction that never ends at two decimals."""
    if share is None:
        return None
    top, _slash, below = str(share).partition("/")
    value = Decimal(top) * 100 / Decimal(below or 1)
    exact = value.normalize()
    digits = exact.as_tuple().exponent
    assert isinstance(digits, int), "a share is finite"
    return value.quantize(Decimal("0.01")) if digits < -4 else exact.quantize(
        Decimal(1).scaleb(min(digits, 0))
    )  # fmt: skip


def _party(told: Json) -> list[str]:
    at, tax = told["address"], told["tax"]
    place = " ".join(part for part in (at["postcode"], at["city"]) if part)
    lines = [
        told["name"], at["street"], f"{place}, {at['country']}".strip(", "), at["region"],
        f"{tax['scheme'] or _('Tax number')} {tax['number']}",
    ]  # fmt: skip
    return [line for line in lines if line]


def _chip(dispute: Dispute | None) -> Chip | None:
    if dispute is None:
        return None
    shape = Shape.PLAIN if dispute.state.is_over else Shape.DISPUTED
    return Chip(shape, DISPUTE_STATES[dispute.state]())


@dataclass(frozen=True, slots=True)
class VolumeTold:
    """How a charge's volume came to be: its bridge from what was seen to what is billed."""

    title: str
    key: str
    says: str
    rows: Table


def volumes(document: Json, statement: Statement, leads: Leads, locale: Locale) -> list[VolumeTold]:
    """Return the bridge of each charge."""
    writing = _Writing(document, locale, statement, (), leads)
    called = titles(statement.told)
    return [
        VolumeTold(called[one["id"]], one["id"], one["says"] or "", _bridge(writing, one))
        for one in statement.told["charges"]
    ]


def _bridge(writing: _Writing, charge: Json) -> Table:
    highest = max((abs(row["cases"]) for row in charge["bridge"]), default=0) or 1
    scale = Scale(Decimal(0), Decimal(highest))
    rows, level = [], Decimal(0)
    for row in charge["bridge"]:
        told = writing.row(row, {"key": charge["id"]})
        end = Decimal(row["cases"]) if row["cases"] >= 0 else level + row["cases"]
        is_sum = row["row"] in ("seen", "measured", "billed")
        stretch = Stretch(Decimal(0) if is_sum else level, end)
        level = end
        link = told.links[0] if told.links else Link("")
        rows.append(Row(
            (told.word, told.figure, Cell(drawing=bridge_cell(scale, stretch)),
             Cell(link.word, href=link.href)),
            "strong" if is_sum else "",
        ))  # fmt: skip
    columns = (
        Column(charge["case"]), Column(_("Number"), is_number=True), Column("", is_drawn=True),
        Column(_("Opens")),
    )  # fmt: skip
    return Table(columns, rows)
