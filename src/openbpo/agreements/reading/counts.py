"""measures.yaml: measures that count cases and make shares of the counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openbpo.agreements.formulas.decisions import (
    contradiction,
    groups_of,
    possible_cases,
    shares_of,
)
from openbpo.agreements.located import Path
from openbpo.agreements.model import Attribute, CountMeasure, Mean, Service, Share
from openbpo.agreements.reading.findings import Findings
from openbpo.agreements.reading.work import REFUSED, condition
from openbpo.values.expressions import (
    BOOLEAN,
    NUMBER,
    Expression,
    ExpressionRefused,
    compile_expression,
)
from openbpo.values.expressions.words import literal_in_words

TAKEN = frozenset(
    {
        "engagement", "period", "version", "content_hash", "standing", "signed_by", "undecided",
        "measure", "measures", "formulas", "judged_by", "credits", "currency", "rejected_rows",
        "explanation", "service_levels", "credit_rate",
    }
)  # fmt: skip
"""What figures are told under beside the counts: a count has another name."""

NAME_IT = "Give it another name."


def read_count_measure(
    findings: Findings,
    path: Path,
    entry: dict[str, Any],
    attributes: Mapping[str, Attribute],
    service: Service | None,
) -> CountMeasure:
    """Return a measure by counts and formulas."""
    if service is not None:
        moments = set(service.moments)
        findings.known("measures", (*path, "moment"), entry["moment"], moments, "moment")
    before = len(findings.mistakes)
    measure = CountMeasure(
        id=entry["id"],
        clause=entry.get("clause"),
        says=entry["says"],
        service=entry["service"],
        cases=condition(findings, "measures", (*path, "cases"), entry.get("cases"), attributes),
        moment=entry["moment"],
        counts=_counts(findings, (*path, "counts"), entry["counts"], attributes),
        formulas=_formulas(findings, path, entry),
        judged_by=entry["judged_by"],
        beside=_beside(findings, path, entry, attributes),
        period=entry["period"],
    )
    formulas = set(measure.formulas)
    findings.known("measures", (*path, "judged_by"), measure.judged_by, formulas, "formula")
    if len(findings.mistakes) == before and findings.is_sound("data"):
        _refuse_contradictions(findings, path, measure, attributes, service)
    return measure


def _counts(
    findings: Findings, path: Path, entries: dict[str, str], attributes: Mapping[str, Attribute]
) -> Mapping[str, Expression]:
    counts: dict[str, Expression] = {}
    for name, text in entries.items():
        at = (*path, name)
        _refuse_name(findings, at, name, attributes)
        compiled = condition(findings, "measures", at, text, attributes, groups=counts.keys())
        counts[name] = compiled or REFUSED
    return counts


def _refuse_name(
    findings: Findings, path: Path, name: str, attributes: Mapping[str, Attribute]
) -> None:
    if name in attributes:
        findings.say("measures", path, f"{name!r} is an attribute already.", NAME_IT)
    elif name in TAKEN:
        findings.say("measures", path, f"Figures tell something else as {name!r}.", NAME_IT)
    elif not _stands_in_conditions(name):
        findings.say("measures", path, f"{name!r} means something else in conditions.", NAME_IT)


def _stands_in_conditions(name: str) -> bool:
    try:
        return compile_expression(name, {name: BOOLEAN}).names == {name}
    except ExpressionRefused:
        return False


def _formulas(findings: Findings, path: Path, entry: dict[str, Any]) -> Mapping[str, Share]:
    return {
        name: _share(findings, (*path, "formulas", name), of, entry["counts"])
        for name, of in entry["formulas"].items()
    }


def _share(findings: Findings, path: Path, entry: dict[str, Any], counts: Iterable[str]) -> Share:
    known = set(counts)
    for key in ("share", "of", "less"):
        for number, name in enumerate(_names(entry.get(key))):
            at = (*path, key, number) if isinstance(entry[key], list) else (*path, key)
            findings.known("measures", at, name, known, "count")
    return Share(
        share=_names(entry["share"]), of=_names(entry["of"]), less=_names(entry.get("less"))
    )


def _names(value: str | list[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _beside(
    findings: Findings, path: Path, entry: dict[str, Any], attributes: Mapping[str, Attribute]
) -> Mapping[str, Share | Mean]:
    counts, beside = entry["counts"], dict[str, Share | Mean]()
    for name, of in entry.get("beside", {}).items():
        at = (*path, "beside", name)
        if name in counts:
            findings.say("measures", at, f"{name!r} is a count already.", NAME_IT)
        elif name in TAKEN:
            findings.say("measures", at, f"Figures tell something else as {name!r}.", NAME_IT)
        if set(of) == {"mean", "over"}:
            beside[name] = _mean(findings, at, of, counts, attributes)
        elif {"share", "of"} <= set(of) <= {"share", "of", "less"}:
            beside[name] = _share(findings, at, of, counts)
        else:
            findings.say(
                "measures", at, "It is neither a share nor a mean.",
                "Write {share, of}, with `less` if something is taken off, or {mean, over}.",
            )  # fmt: skip
    return beside


def _mean(
    findings: Findings,
    path: Path,
    entry: dict[str, str],
    counts: Iterable[str],
    attributes: Mapping[str, Attribute],
) -> Mean:
    findings.known("measures", (*path, "over"), entry["over"], set(counts), "count")
    known = findings.ids("data", "attributes")
    findings.known("measures", (*path, "mean"), entry["mean"], known, "attribute")
    attribute = attributes.get(entry["mean"])
    if attribute is not None and attribute.is_content:
        what = f"{attribute.id!r} is content and may be erased."
        findings.say("measures", (*path, "mean"), what, "Take the mean of a fact.")
    elif attribute is not None and not attribute.is_open:
        what = f"{attribute.id!r} is seen by the {attribute.audience} alone."
        findings.say("measures", (*path, "mean"), what, "Take the mean of what both may see.")
    elif attribute is not None and attribute.type != NUMBER:
        what = f"{attribute.id!r} is no number."
        findings.say("measures", (*path, "mean"), what, "Take the mean of a number.")
    return Mean(attribute=entry["mean"], over=entry["over"])


def _refuse_contradictions(
    findings: Findings,
    path: Path,
    measure: CountMeasure,
    attributes: Mapping[str, Attribute],
    service: Service | None,
) -> None:
    """No possible case stands above the line and not below it, or is counted twice."""
    types = {attribute.id: attribute.type for attribute in attributes.values()}
    waiting = shares_of(measure)
    case = service.case if service is not None else "case"
    for values in possible_cases(measure.cases, measure.counts, types):
        groups = groups_of(measure.counts, values, lambda _condition, _names: None)
        for name, share in list(waiting.items()):
            if (why := contradiction(share, groups)) is not None:
                del waiting[name]
                key = "formulas" if name in measure.formulas else "beside"
                such = " and ".join(_is(read, value) for read, value in values.items())
                findings.say(
                    "measures", (*path, key, name), f"A {case} whose {such} {why}.",
                    "Let what stands above the line, or is taken off, lie within what stands "
                    "below it, and count nothing twice.",
                )  # fmt: skip


def _is(name: str, value: Any) -> str:
    return f"{name} is {literal_in_words(value)}"
