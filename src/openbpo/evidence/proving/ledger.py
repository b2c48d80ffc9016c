"""Whether what was issued, paid and disputed is what the record's own entries come to: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.model import Act, State
from openbpo.billing.disputes.decisions import as_of, disputes, opening, replying
from openbpo.billing.disputes.model import Claim, ClaimedFormula, Deed, DisputeAct, Reply
from openbpo.billing.disputes.queries import disputable
from openbpo.billing.issuing.actions import payment_told
from openbpo.billing.issuing.decisions import (
    Numbered,
    credit_note_document,
    invoice_document,
    live_invoice,
    series_on,
    to_carry,
)
from openbpo.billing.issuing.model import Issued, Payment
from openbpo.billing.issuing.paying import refuse_payment
from openbpo.billing.issuing.queries import closed_figures, find_issued
from openbpo.evidence.proving.decisions import Difference, differing
from openbpo.values.canonical import canonical_bytes
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal

ACTS = frozenset({"invoice", "credit_note", "payment", "dispute"})
LONGEST_ACT = timedelta(minutes=10)
"""Between the instant that an act is decided by and its entry lies one transaction."""
OF_THE_ENTRY = frozenset({"act", "entry", "at", "by"})

Told = Mapping[str, Any]


class KnownTerms(Protocol):
    """The record's terms."""

    def terms(self, known: int) -> tuple[Terms, ...]:
        """Return the terms in force at an entry."""


@dataclass(slots=True)
class Ledger:
    """Takes the entries of billing in their order, and recomputes each from those before it."""

    knowledge: KnownTerms
    note: Callable[[Difference], None]
    handle: str = ""
    recomputed: int = 0
    _periods: list[Act] = field(default_factory=list)
    _disputes: list[DisputeAct] = field(default_factory=list)
    _issued: list[Issued] = field(default_factory=list)
    _payments: list[Payment] = field(default_factory=list)
    _withheld: set[str] = field(default_factory=set)
    """Periods that were acted on, and whose documents are not shown."""

    def take_closing(self, told: Told) -> None:
        """Take an act on a period; its document follows, or is withheld."""
        self._withheld.add(told["period"])

    def take_period(self, told: Told, document: Told) -> None:
        """Take an act on a period with its document."""
        self._withheld.discard(told["period"])
        self._periods.append(
            Act(
                number=told["number"],
                period=told["period"],
                state=State(told["state"]),
                side=told["side"],
                note=told["note"],
                entry=told["entry"],
                known=told["known"],
                document=document,
                document_sha256=bytes.fromhex(told["document_sha256"]),
                by=told["by"],
                at=told["at"],
            )
        )

    def take(self, told: Told) -> None:
        """Take an act of billing, recompute it, and note where it is something else."""
        where = f"entry {told['entry']}"
        try:
            again = _TAKEN[told["act"]](self, told)
        except Refusal as refusal:
            self.note(Difference("billing", where, told["act"], f"refused: {refusal}"))
            return
        if again is None:
            return
        self.recomputed += 1
        stored = {name: value for name, value in told.items() if name not in OF_THE_ENTRY}
        for path, ours, theirs in differing(stored, again):
            self.note(Difference("billing", f"{path} of {where}", repr(ours), repr(theirs)))

    def _invoice(self, told: Told) -> Told | None:
        document = told["document"]
        before = tuple(self._issued)
        self._add_issued(told)
        at = self._at(document["issued_at"], told)
        known = disputes(self._disputes, at)
        settled = to_carry(known, before, document["period"])
        if {document["period"], *(one.period for one in settled)} & self._withheld:
            return None
        closed = {
            name: closed_figures(self._periods, name, self.knowledge.terms)
            for name in {document["period"], *(one.period for one in settled)}
        }
        figures = {name: one for name, one in closed.items() if one is not None}
        if document["period"] not in figures:
            return {"document": "of a period whose figures stand"}
        if live_invoice(before, document["period"]) is not None:
            return {"document": "the period is invoiced already"}
        now_terms = self.knowledge.terms(told["entry"])
        agreed = terms_on(now_terms, at).agreement.charges.invoices.order
        return _issued_told(
            invoice_document(
                handle=self.handle,
                numbered=Numbered(
                    series=series_on(terms_on(now_terms, at), at), ordinal=document["ordinal"]
                ),
                closed=figures[document["period"]],
                settled=settled,
                settled_figures=figures,
                now_terms=now_terms,
                order=document["order"] if document["order"] != agreed else None,
                at=at,
            )
        )

    def _credit_note(self, told: Told) -> Told | None:
        document = told["document"]
        original = find_issued(self._issued, document["cancels"]["number"])
        is_cancelled = any(one.cancels == original.number for one in self._issued)
        self._add_issued(told)
        if is_cancelled or original.kind == "credit_note":
            return {"document": "of an invoice that stands"}
        at = self._at(document["issued_at"], told)
        terms = terms_on(self.knowledge.terms(told["entry"]), at)
        return _issued_told(
            credit_note_document(
                original.document,
                numbered=Numbered(series=series_on(terms, at), ordinal=document["ordinal"]),
                reason=document["reason"],
                at=at,
                zone_day=_day(terms, at),
            )
        )

    def _payment(self, told: Told) -> Told:
        invoice = find_issued(self._issued, told["number"])
        before = [one for one in self._payments if one.number == invoice.number]
        payment = Payment(
            number=invoice.number,
            payment=len(before) + 1,
            amount=Money.parse(f"{told['amount']} {invoice.currency}"),
            day=date.fromisoformat(told["day"]),
            reference=told["reference"],
            entry=told["entry"],
            by=told["by"],
            at=told["at"],
        )
        self._payments.append(payment)
        at = datetime.fromisoformat(told["at"])
        cancelled = (one.number for one in self._issued if one.cancels == invoice.number)
        refuse_payment(
            invoice,
            before,
            payment,
            cancelled_by=next(cancelled, None),
            today=_day(terms_on(self.knowledge.terms(told["entry"]), at), at),
        )
        return payment_told(payment)

    def _dispute(self, told: Told) -> Told | None:
        plain = {name: value for name, value in told.items() if name not in OF_THE_ENTRY}
        act = DisputeAct.of(plain, entry=told["entry"], by=told["by"])
        at = self._at(told["as_of"], told)
        before = tuple(self._disputes)
        self._disputes.append(act)
        terms = terms_on(self.knowledge.terms(told["entry"]), at)
        if act.did is not Deed.OPENED:
            of_this = [one for one in before if one.dispute == act.dispute]
            if not of_this:
                return {"dispute": "one that was opened"}
            amount = act.told["amount"]
            reply = Reply(
                did=act.did, amount=amount, reason=act.told["reason"],
                formula=ClaimedFormula.of(act.told),
            )  # fmt: skip
            return replying(as_of(of_this, at), reply, act.side, terms, at=at)
        if told["period"] in self._withheld:
            return None
        claim = Claim(
            period=told["period"],
            line=told["line"],
            reason=told["reason"],
            amount=told["wanted"] if told["quantity"] is None else None,
            quantity=told["quantity"],
            cases=tuple(told["cases"]),
            formula=ClaimedFormula.of(told),
        )
        period = disputable(self._periods, claim.period)
        return opening(claim, act.side, period, terms, disputes(before, at), at=at)

    def _add_issued(self, told: Told) -> None:
        document = told["document"]
        cancels = document["cancels"]
        self._issued.append(
            Issued(
                number=document["number"],
                kind=document["kind"],
                period=document["period"],
                series=document["series"],
                ordinal=document["ordinal"],
                cancels=cancels["number"] if cancels else None,
                document=document,
                document_sha256=bytes.fromhex(told["document_sha256"]),
                entry=told["entry"],
                by=told["by"],
                at=told["at"],
            )
        )

    def _at(self, text: str, told: Told) -> datetime:
        """Return the instant that an act was decided by, which lies just before its entry."""
        at, entered = datetime.fromisoformat(text), datetime.fromisoformat(told["at"])
        if not timedelta(0) <= entered - at <= LONGEST_ACT:
            where = f"the instant of entry {told['entry']}"
            self.note(Difference("billing", where, text, f"just before {told['at']}"))
        return at


_TAKEN: Mapping[str, Callable[[Ledger, Told], Told | None]] = {
    "invoice": Ledger._invoice,
    "credit_note": Ledger._credit_note,
    "payment": Ledger._payment,
    "dispute": Ledger._dispute,
}


def _issued_told(document: Mapping[str, Any]) -> Told:
    return {
        "document": document,
        "document_sha256": sha256(canonical_bytes(dict(document))).hexdigest(),
    }


def _day(terms: Terms, at: datetime) -> date:
    return day_of(at, terms.resolved.zones[terms.agreement.zone])
