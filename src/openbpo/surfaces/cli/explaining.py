"""From a figure down to its cases, and from a case down to its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openbpo.agreements.model import Charge, ClockMeasure
from openbpo.agreements.schema import did_you_mean
from openbpo.agreements.service_levels.model import Case, CaseEvent, Elapsed
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import listed, share_in_words, words_of
from openbpo.assurance.attainment.model import (
    ClockResult,
    CountedCase,
    CountResult,
    MeasuredCase,
    Result,
)
from openbpo.assurance.attainment.periods import PeriodOfWork
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.metering.model import Volume
from openbpo.surfaces.cli.figures import share_text
from openbpo.surfaces.cli.printing import table
from openbpo.values.durations import duration_text
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal
from openbpo.values.shares import percent_text


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences that derive a figure, and a table of what it was made of."""

    figure: str
    says: tuple[str, ...]
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = field(default=())
    right: tuple[int, ...] = ()

    def lines(self) -> list[str]:
        """Return the explanation as it is read."""
        told = [f"  {sentence}" for sentence in self.says]
        if self.rows:
            told += ["", *table(self.head, self.rows, right=self.right)]
        return told

    def as_json(self) -> dict[str, Any]:
        """Return the explanation for programs."""
        keys = [title.lower().replace(" ", "_") for title in self.head]
        rows = [dict(zip(keys, row, strict=True)) for row in self.rows]
        return {"figure": self.figure, "says": list(self.says), "rows": rows}


CLOCK = {"counted": "counted", "paused": "stood still"}

Explainer = Callable[[], Explanation]


def explain(figures: Mapping[str, Explainer], figure: str) -> Explanation:
    """Return the explanation of one of the figures; raises Refusal naming them all."""
    if figure not in figures:
        remedy = did_you_mean(figure, figures, "It can be")
        raise Refusal.of("--explain", f"There is no figure {figure!r} here.", remedy)
    return figures[figure]()


def figures_of_results(
    work: PeriodOfWork, results: Sequence[Result], case: str | None
) -> dict[str, Explainer]:
    """Return what can be explained of a period's results: each measure and count, or one case."""
    figures: dict[str, Explainer] = {}
    for result in results:
        if isinstance(result, ClockResult):
            figures[result.measure.id] = _of_measure(work, result, case)
            continue
        for name in result.counts:
            figures.setdefault(name, _of_count(work, result, name, case))
        figures[result.measure.id] = _of_formula(work, result, case)
    return figures


def figures_of_invoice(
    work: PeriodOfWork, results: Sequence[Result], invoice: Invoice, case: str | None
) -> dict[str, Explainer]:
    """Return what can be explained of an invoice: its sums, its lines, and each service level."""
    figures: dict[str, Explainer] = {
        "fees": lambda: _fees(invoice),
        "credits": lambda: _credits(work, invoice),
        "net": lambda: _sum("net", invoice.fees, "fees", invoice.credits, "credits", invoice.net),
        "tax": lambda: _tax(work, invoice),
        "total": lambda: _sum("total", invoice.net, "net", invoice.tax, "tax", invoice.total),
    }
    for volume in invoice.volumes:
        figures[volume.charge.id] = _of_charge(work, invoice, volume, case)
    for minimum in work.terms.agreement.charges.minimums:
        figures[minimum.id] = _of_minimum(minimum.id, invoice)
    return figures | figures_of_results(work, results, case)


def _of_measure(work: PeriodOfWork, result: ClockResult, case: str | None) -> Explainer:
    def told() -> Explanation:
        if case is None:
            return _measure(work, result)
        for measured in result.cases:
            if measured.case.key == case:
                return _measured_case(work, result.measure, measured)
        raise _no_such_case(case, result.measure.id, [m.case.key for m in result.cases])

    return told


def _no_such_case(case: str, figure: str, known: Sequence[str]) -> Refusal:
    shown = did_you_mean(case, known, "Its cases are")
    remedy = shown if len(known) <= 10 else f"`--explain {figure}` alone lists its cases."
    return Refusal.of("--case", f"{case!r} is not counted in {figure}.", remedy)


def _measure(work: PeriodOfWork, result: ClockResult) -> Explanation:
    measure = result.measure
    clause = f" ({measure.clause})" if measure.clause else ""
    rows = tuple(
        (
            measured.case.key,
            _moment(work.terms, measured.case, measure.clock.start),
            _moment(work.terms, measured.case, measure.clock.stop),
            duration_text(measured.elapsed.counted_us),
            "yes" if measured.is_within else "NO",
        )
        for measured in sorted(result.cases, key=_slowest_first)
    )
    return Explanation(
        figure=measure.id,
        says=(
            f"{measure.says}{clause}",
            (f"{result.numerator:,} within {duration_text(measure.within_us)}, of "
            f"{result.denominator:,} that were {measure.clock.stop} in {work.period.name}."),
            (f"Times are local to {work.terms.agreement.zone}; counted is working time of "
            f"{measure.clock.calendar}. One case: --case \"{rows[0][0] if rows else '...'}\""),
        ),
        head=("Case", measure.clock.start.capitalize(), measure.clock.stop.capitalize(),
              "Counted", "Within"),
        rows=rows,
        right=(3,),
    )  # fmt: skip


def _slowest_first(measured: MeasuredCase) -> tuple[int, str]:
    return -measured.elapsed.counted_us, measured.case.key


def _measured_case(
    work: PeriodOfWork, measure: ClockMeasure, measured: MeasuredCase
) -> Explanation:
    elapsed = measured.elapsed
    verdict = "within" if measured.is_within else "not within"
    return Explanation(
        figure=f"{measure.id}, {measured.case.key}",
        says=(
            (
                f"{measured.case.key}: {duration_text(elapsed.counted_us)} counted, "
                f"{duration_text(elapsed.paused_us)} stood still: {verdict} "
                f"{duration_text(measured.within_us)}."
            ),
        ),
        head=("Happened", "What", "Event", "Working time", "Clock"),
        rows=tuple(_event_rows(work.terms, measured.case, elapsed)),
        right=(3,),
    )


def _of_formula(work: PeriodOfWork, result: CountResult, case: str | None) -> Explainer:
    return lambda: _formula(result) if case is None else _counted_case(work, result, case)


def _formula(result: CountResult) -> Explanation:
    measure, tally = result.measure, result.tally
    clause = f" ({measure.clause})" if measure.clause else ""
    formula = share_in_words(measure.formulas[measure.judged_by])
    return Explanation(
        figure=measure.id,
        says=(
            f"{measure.says}{clause}",
            f"{measure.judged_by}: {formula}: {tally.numerator:,} of {tally.denominator:,}.",
            "The cases of a count: --explain with its name.",
        ),
        head=("Count", "Cases", "Which"),
        rows=tuple(
            (name, f"{result.counts[name]:,}", condition.in_words())
            for name, condition in measure.counts.items()
        ),
        right=(1,),
    )


def _of_count(work: PeriodOfWork, result: CountResult, name: str, case: str | None) -> Explainer:
    return lambda: _count(work, result, name) if case is None else _counted_case(work, result, case)


def _count(work: PeriodOfWork, result: CountResult, name: str) -> Explanation:
    measure = result.measure
    condition = measure.counts[name]
    read = sorted({n for c in measure.counts.values() for n in c.names} - set(measure.counts))
    rows = tuple(
        (
            one.case.key,
            _moment(work.terms, one.case, measure.moment),
            *(_shown(one.case.attributes.get(attribute)) for attribute in read),
        )
        for one in result.cases
        if name in one.groups.held
    )
    return Explanation(
        figure=name,
        says=(
            f"{words_of(name)}: {condition.in_words()}: {len(rows):,} in {work.period.name}.",
            f"Times are local to {work.terms.agreement.zone}.",
        ),
        head=("Case", measure.moment.capitalize(), *map(words_of, read)),
        rows=rows,
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def _counted_case(work: PeriodOfWork, result: CountResult, case: str) -> Explanation:
    for one in result.cases:
        if one.case.key == case:
            return Explanation(
                figure=f"{result.measure.id}, {case}",
                says=(f"{case}: {_where_counted(one, result)}.",),
                head=("Happened", "What", "Event"),
                rows=tuple(row[:3] for row in _event_rows(work.terms, one.case, None)),
            )
    raise _no_such_case(case, result.measure.id, [one.case.key for one in result.cases])


def _where_counted(one: CountedCase, result: CountResult) -> str:
    held = [words_of(name) for name in result.counts if name in one.groups.held]
    return listed(held) if held else "in no count"


def _event_rows(terms: Terms, case: Case, elapsed: Elapsed | None) -> list[tuple[str, ...]]:
    stretches = {
        stretch.after.event_id: stretch for stretch in (elapsed.stretches if elapsed else ())
    }
    rows: list[tuple[str, ...]] = []
    names = _telling(terms)
    for event in case.events:
        stretch = stretches.get(event.event_id)
        rows.append(
            (
                _local(terms, event.happened_at),
                _what(event, names),
                str(event.event_id),
                duration_text(stretch.working_us) if stretch else "",
                CLOCK[stretch.state] if stretch else "",
            )
        )
    return rows


def _telling(terms: Terms) -> list[str]:
    """Return the attributes that moments and pauses are told by: these say what an event was."""
    services = terms.agreement.services.values()
    conditions = [m.where for s in services for m in s.moments.values() if m.where is not None]
    conditions += [pause.after for service in services for pause in service.pauses.values()]
    return sorted({name for condition in conditions for name in condition.names})


def _what(event: CaseEvent, names: Sequence[str]) -> str:
    values = [event.type or None, *(event.values.get(name) for name in names)]
    return ", ".join(str(value) for value in values if value is not None)


def _of_charge(work: PeriodOfWork, invoice: Invoice, volume: Volume, case: str | None) -> Explainer:
    def told() -> Explanation:
        if case is None:
            return _charge(work, invoice, volume)
        for found in volume.cases:
            if found.key == case:
                return _charged_case(work, volume.charge, found)
        raise _no_such_case(case, volume.charge.id, [found.key for found in volume.cases])

    return told


def _charge(work: PeriodOfWork, invoice: Invoice, volume: Volume) -> Explanation:
    charge = volume.charge
    lines = [line for line in invoice.lines if line.id == charge.id]
    rows = tuple(
        (
            str(number),
            case.key,
            _moment(work.terms, case, charge.moment),
            str(_price(charge, number)),
        )
        for number, case in enumerate(volume.cases, start=1)
    )
    return Explanation(
        figure=charge.id,
        says=(
            *((f"{charge.says}",) if charge.says else ()),
            *(f"{line.text}: {line.quantity} x {line.each} = {line.amount}" for line in lines),
            (
                f"{work.terms.agreement.services[charge.service].case}s {charge.moment} in "
                f"{work.period.name}: {volume.quantity:,}."
            ),
        ),
        head=("Unit", "Case", charge.moment.capitalize(), "Price"),
        rows=rows,
        right=(0, 3),
    )


def _price(charge: Charge, unit: int) -> Money:
    return next(tier.each for tier in charge.tiers if tier.end is None or unit <= tier.end)


def _charged_case(work: PeriodOfWork, charge: Charge, case: Case) -> Explanation:
    return Explanation(
        figure=f"{charge.id}, {case.key}",
        says=(f"{case.key} was {charge.moment} on {_moment(work.terms, case, charge.moment)}.",),
        head=("Happened", "What", "Event"),
        rows=tuple(row[:3] for row in _event_rows(work.terms, case, None)),
    )


def _of_minimum(minimum_id: str, invoice: Invoice) -> Explainer:
    def told() -> Explanation:
        lines = [line for line in invoice.lines if line.id == minimum_id]
        says = tuple(f"{line.text}: {line.amount} made up" for line in lines)
        return Explanation(minimum_id, says or ("The charges reach the minimum: nothing to add.",))

    return told


def _fees(invoice: Invoice) -> Explanation:
    rows = tuple((line.text, str(line.amount)) for line in invoice.lines)
    says = (f"The sum of {len(rows)} lines: {invoice.fees}",)
    return Explanation("fees", says, ("Line", "Amount"), rows, (1,))


def _credits(work: PeriodOfWork, invoice: Invoice) -> Explanation:
    found, credit = invoice.consequences, invoice.credit
    rows = tuple(
        (j.measure, f"{j.numerator} of {j.denominator}", share_text(j), percent_text(j.credit_rate))
        for j in found.judged
    )
    says = [f"The rates added: {percent_text(found.rates_added)}"]
    if found.is_capped:
        says.append(f"Capped at {percent_text(found.credit_rate)}")
    if credit is None:
        says.append("No credit.")
    else:
        rounding = work.terms.agreement.charges.rounding.value.replace("_", " ")
        says.append(
            f"{percent_text(credit.rate)} x {credit.base} = {credit.exact}, rounded "
            f"{rounding}: {credit.amount}"
        )
    head = ("Service level", "Within", "Share", "Credit")
    return Explanation("credits", tuple(says), head, rows, (1, 2, 3))


def _tax(work: PeriodOfWork, invoice: Invoice) -> Explanation:
    tax = invoice.tax_line
    if tax is None:
        return Explanation("tax", ("No tax is agreed.",))
    rounding = work.terms.agreement.charges.rounding.value.replace("_", " ")
    product = f"{percent_text(tax.rate)} x {tax.base} = {tax.exact}"
    sentence = f"{tax.name} {product}, rounded {rounding}: {tax.amount}"
    return Explanation("tax", (sentence,))


def _sum(
    figure: str, left: Money, left_name: str, right: Money, right_name: str, result: Money
) -> Explanation:
    sign = "-" if figure == "net" else "+"
    sentence = f"{left_name} {sign} {right_name}: {left} {sign} {right} = {result}"
    return Explanation(figure, (sentence,))


def _moment(terms: Terms, case: Case, moment: str) -> str:
    at = case.at(moment)
    return _local(terms, at) if at is not None else "–"


def _local(terms: Terms, instant: datetime) -> str:
    zone = terms.resolved.zones[terms.agreement.zone]
    return f"{zone.to_local(instant):%Y-%m-%d %H:%M:%S}"
