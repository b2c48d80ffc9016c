"""Metering: from cases and a period to a billable volume, pure."""

from __future__ import annotations

from collections.abc import Iterable

from openbpo.agreements.model import Charge
from openbpo.agreements.service_levels.decisions import holds
from openbpo.agreements.service_levels.model import Case, OpenQuestion
from openbpo.billing.metering.model import Volume
from openbpo.values.periods import Period


def meter(charge: Charge, cases: Iterable[Case], period: Period) -> Volume:
    """Return the cases whose charged moment falls in the period and that the filter takes."""
    questions: dict[OpenQuestion, None] = {}
    counted = []
    for case in cases:
        questions.update(dict.fromkeys(case.questions))
        charged_at = case.at(charge.moment)
        if charged_at is None or not period.span.contains(charged_at):
            continue
        if charge.cases is None or holds(case.key, charge.cases, case.attributes, questions):
            counted.append((charged_at, case.key, case))
    ordered = sorted(counted, key=lambda found: found[:2])
    return Volume(
        charge=charge,
        cases=tuple(case for _, _, case in ordered),
        questions=tuple(sorted(questions)),
    )
