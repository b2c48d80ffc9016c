"""Terms changed one by one, and two versions held against each other."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from tests.support import REPOSITORY

from openbpo.agreements.comparing import compare
from openbpo.agreements.editing import NewVersion, editable, edited
from openbpo.agreements.files import Files, read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.words import in_words, sections
from openbpo.values.refusals import Refusal

JULY = NewVersion(number=2, supersedes=[1], first_day=date(2012, 7, 1))
EXAMPLES = ("helpdesk", "telephone")


def example(name: str) -> Files:
    return read_folder(REPOSITORY / "examples" / name)


def key_of(files: Files, kind: str) -> str:
    return next(term.key for term in editable(files) if term.kind == kind)


class TestEdited:
    @pytest.mark.parametrize("name", EXAMPLES)
    def test_files_stay_as_they_are_where_nothing_changes(self, name: str) -> None:
        files = example(name)
        same = {term.key: term.value for term in editable(files)}
        made = edited(files, same, JULY)
        assert {n for n in files if files[n] != made[n]} == {"agreement.yaml"}
        assert len(made["agreement.yaml"].splitlines()) == 1 + len(
            files["agreement.yaml"].splitlines()
        )

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_files_keep_every_line_but_the_changed_ones(self, name: str) -> None:
        files = example(name)
        key = key_of(files, "price")
        made = edited(files, {key: "1.23"}, JULY)["charges.yaml"].splitlines()
        was = files["charges.yaml"].splitlines()
        assert [a for a, b in zip(was, made, strict=True) if a != b] != []
        assert sum(a != b for a, b in zip(was, made, strict=True)) == 1

    def test_threshold_moves_the_end_of_the_level_below(self) -> None:
        files = example("helpdesk")
        made = read_agreement(edited(files, {key_of(files, "threshold"): "96"}, JULY))
        levels = made.regime.service_levels[0].levels
        assert levels[-1].at_least == levels[-2].below == Fraction(96, 100)

    def test_formula_is_another(self) -> None:
        files = example("telephone")
        made = read_agreement(edited(files, {key_of(files, "formula"): "d"}, JULY))
        assert made.measures["answered-in-time"].judged_by == "d"  # type: ignore[union-attr]

    @pytest.mark.parametrize("value", ["-1", "abc", "", "nan", "1 EUR"])
    def test_value_that_is_no_figure_is_refused(self, value: str) -> None:
        files = example("helpdesk")
        with pytest.raises(Refusal, match="is no figure"):
            edited(files, {key_of(files, "price"): value}, JULY)

    def test_head_names_what_is_superseded(self) -> None:
        made = read_agreement(edited(example("helpdesk"), {}, JULY))
        assert (made.version, made.supersedes, made.in_force.start) == (2, (1,), date(2012, 7, 1))


class TestSections:
    @pytest.mark.parametrize("name", EXAMPLES)
    def test_hold_each_line_of_the_words_once(self, name: str) -> None:
        agreement = read_agreement(example(name))
        words = " ".join(in_words(agreement).split())
        for section in sections(agreement):
            for entry in section.entries:
                for line in entry.lines:
                    assert " ".join(line.split()) in words


class TestCompare:
    def test_says_nothing_of_the_same(self) -> None:
        agreement = read_agreement(example("helpdesk"))
        assert compare(agreement, agreement) == ()

    def test_says_what_was_before_and_after(self) -> None:
        files = example("helpdesk")
        newer = read_agreement(edited(files, {key_of(files, "price"): "39.50"}, JULY))
        found = {one.id: one for one in compare(read_agreement(files), newer)}
        assert set(found) == {"agreement", "charges"}
        (change,) = found["charges"].entries[0].changes
        assert change.kind == "changed"
        assert [p.text for p in change.before if p.is_other] == ["38.00"]
        assert [p.text for p in change.after if p.is_other] == ["39.50"]

    def test_says_what_was_added_and_removed(self) -> None:
        files = dict(example("helpdesk"))
        older = read_agreement(files)
        start = files["charges.yaml"].index(b"minimums:")
        end = files["charges.yaml"].index(b"bases:")
        files["charges.yaml"] = files["charges.yaml"][:start] + files["charges.yaml"][end:].replace(
            b", monthly-minimum", b""
        )
        newer = read_agreement(files)
        kinds = {e.id: e.kind for one in compare(older, newer) for e in one.entries}
        assert kinds["monthly-minimum"] == "removed"
        assert {e.id: e.kind for one in compare(newer, older) for e in one.entries}[
            "monthly-minimum"
        ] == "added"
