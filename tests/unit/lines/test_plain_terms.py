"""An agreement of a few plain terms: sound as it begins, and each mistake at its term."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ruamel.yaml import YAML

from openbpo.agreements.reading import read_agreement
from openbpo.lines.plain_terms import (
    TEMPLATES,
    PlainTerms,
    refuse_unsound,
    template_names,
    written,
)
from openbpo.values.refusals import Refusal

MAPPING = """- id: log
  kind: case events
  service: work
  format: csv
  encoding: utf-8
  case: {column: case}
  at: {column: at, format: yyyy-MM-dd HH:mm, zone: UTC, doubled_hour: refuse}
  same_instant: file_order
  attributes:
    activity: {column: what}
"""
DATA = """attributes:
  - {id: activity, class: fact, type: string, purpose: What happened.}
"""


def terms(line: str = "helpdesk") -> PlainTerms:
    template = TEMPLATES[line]
    return PlainTerms(
        line=line, title="Night desk", client="Acme Inc.", client_id="acme-1", provider="Desk Ltd.",
        provider_id="desk-1", country="ES", zone="Europe/Madrid", currency="EUR",
        in_force="2025-01-01", days="monday to friday", opens="08:00", closes="18:00",
        is_always=template.is_always, holidays="ES", started="first event",
        finished='activity:Say "done"', which_finish="last", paused=("Wait",),
        within=template.within, expected=template.expected, minimum=template.minimum,
        below_expected=template.below_expected, below_minimum=template.below_minimum,
        low_volume=template.low_volume, rate=template.rate, tax="21",
    )  # fmt: skip


def refused(told: PlainTerms, mapping: str = MAPPING) -> dict[str, str]:
    with pytest.raises(Refusal) as raised:
        refuse_unsound(written(told, mapping=mapping, data=DATA))
    return {mistake.where: f"{mistake.what} {mistake.remedy}" for mistake in raised.value.mistakes}


class TestPlainTerms:
    def test_of_every_line_with_an_agreement_are_there(self) -> None:
        assert set(template_names()) == set(TEMPLATES)

    @pytest.mark.parametrize("line", sorted(TEMPLATES))
    def test_are_sound_as_they_begin(self, line: str) -> None:
        agreement = written(terms(line), mapping=MAPPING, data=DATA)
        refuse_unsound(agreement)
        read = read_agreement(agreement.files)
        assert (read.client.name, read.currency) == ("Acme Inc.", "EUR")
        assert list(read.measures) == ["in-time"]

    @pytest.mark.parametrize(
        ("term", "value"),
        [
            ("within", "8 hours"), ("expected", "9x"), ("rate", "38,00"), ("zone", "Rome"),
            ("in_force", "1.1.2025"), ("opens", "8:00"), ("country", "Italy"), ("holidays", "XX"),
            ("currency", "euro"), ("low_volume", "0"), ("client", ""), ("provider", " "),
            ("title", ""), ("tax", "a"), ("below_expected", "x"), ("below_minimum", "x"),
        ],
    )  # fmt: skip
    def test_that_are_not_sound_are_named(self, term: str, value: str) -> None:
        assert term in refused(replace(terms(), **{term: value}))  # type: ignore[arg-type]

    def test_name_the_columns_where_the_mapping_is_at_fault(self) -> None:
        assert "columns" in refused(terms(), MAPPING.replace("column: at", "columns: at"))

    @pytest.mark.parametrize(
        "text", ['"}: {', "a\nb: c", "# x", "\u202e", "In\u00a0Arbeit", "{{", "- [", "\\"]
    )
    def test_of_any_words_add_nothing_to_the_files(self, text: str) -> None:
        told = replace(terms(), client=f"A{text}", title=f"T{text}", finished=f"activity:{text}")
        agreement = written(told, mapping=MAPPING, data=DATA)
        refuse_unsound(agreement)
        read = read_agreement(agreement.files)
        assert read.client.handle == "acme-1"
        service = YAML(typ="safe").load(agreement.files["services.yaml"])[0]
        assert (
            service["moments"][1]["where"] == f"activity = {json.dumps(text, ensure_ascii=False)}"
        )
