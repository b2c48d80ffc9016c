"""Counts, formulas and means of a month of calls: worked by hand, at their edges, and refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import EXAMPLE as HELPDESK
from tests.telephone import call_of, edited, example, example_files, work_of

from openbpo.agreements.files import read_folder
from openbpo.agreements.formulas.decisions import (
    contradiction,
    groups_of,
    is_above,
    is_below,
)
from openbpo.agreements.formulas.model import Groups
from openbpo.agreements.model import Agreement, CountMeasure, Share
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.service_levels.model import Case
from openbpo.agreements.words import in_words
from openbpo.assurance.attainment.model import CountResult, Ratio
from openbpo.assurance.attainment.queries import PeriodOfWork, attain
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.surfaces.cli.figures import attained_json, share_text
from openbpo.surfaces.cli.formulas import formula_lines, formulas_json
from openbpo.surfaces.cli.printing import Spelled, json_text
from openbpo.values.expressions import (
    BOOLEAN,
    DATE,
    NUMBER,
    STRING,
    Choice,
    Type,
    compile_expression,
    deciding_values,
)
from openbpo.values.refusals import Refusal

AGREEMENT = example()
NOON = datetime(1999, 1, 4, 10, tzinfo=UTC)


def one_call(
    number: int,
    outcome: str | None,
    waited_s: int | None = 0,
    *,
    queued: bool | None = True,
    served_s: int | None = 60,
    at: datetime = NOON,
    agreement: Agreement = AGREEMENT,
) -> Case:
    values: dict[str, object] = {
        "outcome": outcome,
        "queued": queued,
        "waited_s": None if waited_s is None else Decimal(waited_s),
        "served_s": None if served_s is None else Decimal(served_s),
    }
    return call_of(agreement, f"AA0101 {number:05}", {"arrived": at}, values, number)


def calls(*told: tuple[int, str, int]) -> list[Case]:
    """Return so many calls of an outcome and a wait."""
    cases: list[Case] = []
    for many, outcome, waited_s in told:
        cases += [one_call(len(cases) + n, outcome, waited_s) for n in range(many)]
    return cases


def counted(cases: Sequence[Case], agreement: Agreement = AGREEMENT) -> CountResult:
    [result] = attain(work_of(agreement, cases))
    assert isinstance(result, CountResult)
    return result


def told(cases: Sequence[Case]) -> dict[str, object]:
    """Return what `attain --formulas --json` prints."""
    work = work_of(AGREEMENT, cases)
    results = attain(work)
    found: dict[str, object] = json.loads(
        json_text(formulas_json(work, results, invoice_of(work, results))), parse_float=str
    )
    return found


class TestTheFourFormulas:
    def test_are_as_worked_by_hand(self) -> None:
        """The dozen calls of docs/algorithms/formulas.md."""
        dozen = [
            *(one_call(n, "AGENT", waited) for n, waited in enumerate((1, 5, 20, 21, 40, 90))),
            one_call(6, "HANG", 8),
            one_call(7, "HANG", 20),
            one_call(8, "HANG", 21),
            one_call(9, "HANG", 0, queued=False),
            one_call(10, "PHANTOM", 3),
            one_call(11, "AGENT", 0, queued=False, served_s=0),
        ]
        found = told(dozen)
        assert found["formulas"] == {
            "a": "0.400000",
            "b": "0.571429",
            "c": "0.500000",
            "d": "0.600000",
        }
        wanted = {"offered": 10, "answered": 7, "abandoned": 3, "left_ivr": 1, "within": 4}
        assert {name: found[name] for name in wanted} == wanted
        assert (found["asa_s"], found["aht_s"]) == ("25.2857", "51.4286")
        assert found["abandonment"] == "0.300000"
        assert found["credits"] == {"a": "1.47", "b": "0.74", "c": "1.47", "d": "0.00"}

    def test_of_no_calls_are_nothing_and_cost_nothing(self) -> None:
        found = told([])
        assert found["formulas"] == dict.fromkeys("abcd")
        assert (found["asa_s"], found["aht_s"], found["abandonment"]) == (None, None, None)
        assert found["credits"] == dict.fromkeys("abcd", "0.00")
        assert found["offered"] == 0

    def test_are_nothing_where_no_call_is_left_below_the_line(self) -> None:
        found = told(calls((3, "HANG", 20)))
        assert found["formulas"] == {"a": "0.000000", "b": None, "c": None, "d": "1.000000"}
        assert counted(calls((3, "HANG", 20))).tally.denominator == 0

    @pytest.mark.parametrize(
        ("within", "of", "credit"),
        [(60, 100, "0.00"), (599, 1000, "105.00"), (55, 100, "10.50"), (549, 1000, "210.00")],
    )
    def test_are_judged_exactly_at_a_bound(self, within: int, of: int, credit: str) -> None:
        cases = calls((within, "AGENT", 20), (of - within, "AGENT", 21))
        assert told(cases)["credits"] == dict.fromkeys("abcd", credit)

    def test_are_judged_by_the_agreed_one(self) -> None:
        cases = calls((58, "AGENT", 1), (42, "AGENT", 30), (3, "HANG", 2))
        work = work_of(AGREEMENT, cases)
        results = attain(work)
        assert [j.numerator for j in invoice_of(work, results).consequences.judged] == [58]
        assert [j.denominator for j in invoice_of(work, results).consequences.judged] == [100]
        assert attained_json(work, results)["service_levels"][0]["denominator"] == 100
        assert "c *" in "\n".join(formula_lines(work, results, invoice_of(work, results)))

    def test_count_a_call_in_the_month_in_which_it_came_in(self) -> None:
        """Local midnight decides: 22:00 UTC is the next day in Jerusalem."""
        new_year = datetime(1998, 12, 31, 22, tzinfo=UTC)
        cases = [
            one_call(0, "AGENT", at=new_year),
            one_call(1, "AGENT", at=datetime(1999, 1, 31, 22, tzinfo=UTC)),
        ]
        assert counted(cases).counts["answered"] == 1

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["AGENT", "HANG", "PHANTOM"]), st.integers(0, 40), st.booleans()
            ),
            max_size=30,
        )
    )
    def test_never_exceed_the_whole(self, outcomes: list[tuple[str, int, bool]]) -> None:
        cases = [one_call(n, o, w, queued=q) for n, (o, w, q) in enumerate(outcomes)]
        found = counted(cases)
        for ratio in found.shares.values():
            assert 0 <= ratio.numerator <= ratio.denominator
        short = found.counts["short_abandons"]
        assert found.shares["c"] == Ratio(found.counts["within"], found.counts["offered"] - short)
        assert found.shares["d"] == Ratio(found.counts["within"] + short, found.counts["offered"])


class TestTheMoment:
    def test_is_at_the_event_of_its_type_however_the_clocks_of_the_file_stand(self) -> None:
        values: dict[str, object] = {"outcome": "AGENT", "queued": False, "waited_s": Decimal(0)}
        earlier = datetime(1998, 12, 31, 21, 59, 59, tzinfo=UTC)
        arrived = datetime(1998, 12, 31, 22, tzinfo=UTC)
        values["served_s"] = Decimal(9)
        case = call_of(AGREEMENT, "x", {"answered": earlier, "arrived": arrived}, values)
        assert case.at("received") == arrived
        assert case.at("queued") is None
        assert counted([case]).counts["answered"] == 1


class TestWhatIsTried:
    @given(
        st.lists(
            st.tuples(st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]), st.integers(0, 6)),
            min_size=1,
            max_size=4,
        )
    )
    def test_reaches_every_answer_of_comparisons(self, told: list[tuple[str, int]]) -> None:
        texts = [f"x {sign} {bound}" for sign, bound in told]
        conditions = [compile_expression(text, {"x": NUMBER}) for text in texts]
        every = {tuple(c({"x": Decimal(half) / 2}) for c in conditions) for half in range(-4, 18)}
        values = deciding_values(texts, {"x": NUMBER})["x"]
        assert {tuple(c({"x": value}) for c in conditions) for value in values} == every

    def test_is_each_value_of_a_choice_and_a_text_of_which_nobody_speaks(self) -> None:
        kinds: dict[str, Type] = {"a": Choice(("x", "y")), "b": BOOLEAN, "c": STRING, "d": DATE}
        text = 'a = "x" and b and c in ("p", "q") and d > date("2012-02-29")'
        assert deciding_values([text], kinds) == {
            "a": ("x", "y"),
            "b": (False, True),
            "c": ("p", "q", "another…"),
            "d": (date(2012, 2, 28), date(2012, 2, 29), date(2012, 3, 1)),
        }


class TestWhatIsEmpty:
    def test_decides_no_count_and_is_listed_once(self) -> None:
        found = counted([one_call(0, "AGENT", None), one_call(1, "AGENT", 5)])
        assert found.counts["answered"] == 2
        assert found.counts["within"] == 1
        assert [(q.case, q.names) for q in found.questions] == [
            ("AA0101 00000", ("waited_s",)),  # the condition
            ("AA0101 00000", ("waited_s",)),  # the mean
        ]
        assert found.means["asa_s"] == Ratio(Fraction(5), 1)

    def test_is_asked_once_however_many_counts_rest_on_it(self) -> None:
        found = counted([one_call(0, None, 5)])
        assert found.counts == dict.fromkeys(found.counts, 0)
        assert [(q.condition, q.names) for q in found.questions] == [
            ('outcome != "PHANTOM"', ("outcome",))
        ]
        everything = example({"measures.yaml": [('  cases: outcome != "PHANTOM"\n', "")]})
        found = counted([one_call(0, None, 5, agreement=everything)], everything)
        assert [(q.condition, q.names) for q in found.questions] == [
            ('outcome = "AGENT"', ("outcome",)),
            ('outcome = "HANG" and queued', ("outcome",)),  # it did queue: it left no IVR
        ]

    def test_of_one_count_leaves_undecided_what_rests_on_its_opposite(self) -> None:
        counts = {
            "quick": compile_expression("waited_s <= 20", {"waited_s": NUMBER}),
            "slow": compile_expression("not(quick)", {"quick": BOOLEAN}),
        }
        noted: list[tuple[str, ...]] = []
        groups = groups_of(counts, {"waited_s": None}, lambda _text, names: noted.append(names))
        assert groups == Groups(frozenset(), frozenset({"quick", "slow"}))
        assert noted == [("waited_s",)]

    def test_contradicts_nothing(self) -> None:
        share = Share(share=("within",), of=("offered",), less=())
        held = frozenset({"within"})
        assert contradiction(share, Groups(held, frozenset({"offered"}))) is None
        assert contradiction(share, Groups(held, frozenset())) is not None
        assert not is_above(share, held)


class TestAShare:
    SHARE = Share(share=("x", "y"), of=("p", "q"), less=("o",))

    @pytest.mark.parametrize(
        ("held", "above", "below", "wrong"),
        [
            ("", False, False, ""),
            ("p", False, True, ""),
            ("px", True, True, ""),
            ("po", False, False, ""),
            ("o", False, False, "from which it is taken off"),
            ("x", False, False, "above the line and not below it"),
            ("pxo", False, False, "which is taken off: above the line"),
            ("pq", False, True, "counted twice"),
            ("pxy", True, True, "counted twice"),
        ],
    )
    def test_places_a_case_or_says_what_is_wrong(
        self, held: str, above: bool, below: bool, wrong: str
    ) -> None:
        assert is_above(self.SHARE, set(held)) is above
        assert is_below(self.SHARE, set(held)) is below
        why = contradiction(self.SHARE, Groups(frozenset(held), frozenset()))
        assert (wrong in why) if why is not None else not wrong

    def test_is_refused_for_a_case_that_the_check_could_not_foresee(self) -> None:
        """A condition that computes is not tried out whole: the case itself is refused."""
        agreement = example(
            {
                "measures.yaml": [
                    ("within: answered and waited_s <= 20", "within: waited_s * served_s = 143")
                ]
            }
        )
        fine = one_call(0, "AGENT", 11, served_s=13, agreement=agreement)
        assert counted([fine], agreement).counts["within"] == 1
        with pytest.raises(Refusal, match="AA0101 00001 is in within, and not in offered"):
            counted([fine, one_call(1, "HANG", 11, served_s=13, queued=False)], agreement)


class TestSeveralVersions:
    def work(self, later: Agreement) -> PeriodOfWork:
        first, second = (
            work_of(own, [one_call(n, "AGENT", 25, agreement=own)])
            for n, own in enumerate((AGREEMENT, later))
        )
        return replace(second, cases=(*first.cases, *second.cases))

    def test_count_each_call_by_its_own(self) -> None:
        later = example({"measures.yaml": [("within: answered and waited_s <= 20",
                                            "within: answered and waited_s <= 30")]})  # fmt: skip
        [result] = attain(self.work(later))
        assert isinstance(result, CountResult)
        assert result.shares["a"] == Ratio(1, 2)
        assert result.means["asa_s"].value == 25

    def test_that_count_other_things_are_refused(self) -> None:
        later = example({"measures.yaml": [("    aht_s: {mean: served_s, over: answered}\n", "")]})
        with pytest.raises(Refusal, match="other counts, formulas or means"):
            attain(self.work(later))


class TestInWords:
    def test_reads_as_a_lawyer_would(self) -> None:
        words = " ".join(in_words(AGREEMENT).split())
        for sentence in (
            "A call is received at its first event “arrived”.",
            "the calls whose outcome is not “PHANTOM” that are received in a calendar month",
            "offered: answered or abandoned",
            "left ivr: outcome is “HANG” and queued is false",
            "Judged is the share c: within, of offered less short abandons.",
            "d: within and short abandons, of offered.",
            "asa_s: the mean of waited s over answered.",
            "No call: low volume, no credit.",
        ):
            assert sentence in words


class TestNumbersOfJson:
    def test_stand_with_their_last_zeros(self) -> None:
        text = json_text({"a": [Spelled("0.500000"), "0.5", None, 3], "b": Spelled("-1.0")})
        assert '0.500000,\n    "0.5",\n    null,\n    3' in text
        assert json.loads(text) == {"a": [0.5, "0.5", None, 3], "b": -1.0}


def refused(*edits: tuple[str, str], name: str = "measures.yaml") -> list[str]:
    with pytest.raises(Refusal) as refusal:
        read_agreement(edited(example_files(), {name: edits}))
    return [str(mistake) for mistake in refusal.value.mistakes]


WITHIN = "within: answered and waited_s <= 20"


class TestBadMeasures:
    @pytest.mark.parametrize(
        ("old", "new", "line", "what"),
        [
            ("moment: received", "moment: receved", 7, "no moment 'receved'. Did you mean"),
            (WITHIN, "within: answred and waited_s <= 20", 13, "answred is not a known name"),
            ("offered: answered or abandoned", "offered: answered or within",
             12, "within is not a known name"),
            (WITHIN, "within: answered and waited_s", 13, "a boolean"),
            (WITHIN, "within: 3", 13, "`within` must be text, not 3"),
            ("answered: outcome", "outcome: outcome", 9, "'outcome' is an attribute already"),
            ("answered: outcome", "formulas: outcome", 9, "tell something else as 'formulas'"),
            ("answered: outcome", "and: outcome", 9, "'and' means something else in conditions"),
            ("answered: outcome", "true: outcome", 9, "'true' means something else in conditions"),
            ("answered: outcome", "Answered: outcome", 8, "lower-case letters"),
            ("a: {share: within", "a: {share: witin", 16, "'witin'. Did you mean 'within'"),
            ("[within, short_abandons]", "[within, within]",
             19, "`share` cannot be a list. Write a count's name, or a list of counts, each once"),
            ("less: short_abandons", "less: short", 18, "There is no count 'short'"),
            ("of: offered}", "off: offered}", 16, "The key 'off' is unknown"),
            ("judged_by: c", "judged_by: e", 20, "There is no formula 'e'"),
            ("mean: waited_s", "mean: waited", 22, "no attribute 'waited'"),
            ("mean: waited_s", "mean: outcome", 22, "'outcome' is no number"),
            ("{mean: waited_s, over: answered}", "{mean: waited_s, of: answered}",
             22, "neither a share nor a mean"),
            ("asa_s: {mean", "answered: {mean", 22, "'answered' is a count already"),
            ("judged_by: c ", "within: 20 s\n  judged_by: c ",
             20, "`within` has no meaning in a measure with counts"),
            ("  judged_by: c                           # the others are shown, and cost nothing\n",
             "", 2, "The key 'judged_by' is missing"),
            ("  aggregate: pooled\n", "", 2, "The key 'aggregate' is missing"),
        ],
    )  # fmt: skip
    def test_are_told_by_line(self, old: str, new: str, line: int, what: str) -> None:
        found = refused((old, new))
        assert any(m.startswith(f"measures.yaml:{line}: ") and what in m for m in found), found

    @pytest.mark.parametrize(
        ("old", "new", "line", "what"),
        [
            (WITHIN, "within: waited_s <= 20", 16,
             "outcome is “HANG” and queued is false and waited_s is 19 is in within, and not in"),
            ("b: {share: within, of: answered}", "b: {share: within, of: abandoned}", 17,
             "is in within, and not in abandoned"),
            ("less: short_abandons", "less: left_ivr", 18,
             "is in left_ivr, and not in offered, from which it is taken off"),
            ("less: short_abandons", "less: answered", 18,
             "is in within and in answered, which is taken off"),
            ("share: [within, short_abandons]", "share: [within, answered]", 19,
             "is in within and in answered, and would be counted twice"),
            ("share: abandoned, of: offered", "share: left_ivr, of: offered", 24,
             "is in left_ivr, and not in offered"),
        ],
    )  # fmt: skip
    def test_that_could_count_more_than_all_name_a_call_that_shows_it(
        self, old: str, new: str, line: int, what: str
    ) -> None:
        found = refused((old, new))
        assert any(m.startswith(f"measures.yaml:{line}: ") and what in m for m in found), found

    def test_have_moments_of_types_that_a_file_tells(self) -> None:
        moment = "{id: received, at: first event, type: "
        found = refused((f"{moment}arrived", f"{moment}arived"), name="services.yaml")
        assert any("no type of event 'arived'. Did you mean 'arrived'?" in m for m in found), found

    def test_of_a_clock_take_no_counts(self) -> None:

        files = edited(
            dict(read_folder(HELPDESK)),
            {"measures.yaml": [("  within: 96 h", "  within: 96 h\n  judged_by: c")]},
        )
        with pytest.raises(Refusal, match="`judged_by` has no meaning in a measure with a clock"):
            read_agreement(files)

    def test_read_no_content(self) -> None:
        data = example_files()["data.yaml"].decode()
        content = data.replace(
            "  - id: waited_s\n    class: fact", "  - id: waited_s\n    class: content"
        )
        with pytest.raises(Refusal) as refusal:
            read_agreement({**example_files(), "data.yaml": content.encode()})
        found = [str(mistake) for mistake in refusal.value.mistakes]
        assert any("measures.yaml:13" in m and "content" in m for m in found)
        assert any("measures.yaml:22" in m and "content" in m for m in found)

    def test_read_nothing_of_one_side_alone(self) -> None:
        data = ("  - id: served_s\n", "  - id: served_s\n    audience: provider\n")
        assert any(
            m.startswith("measures.yaml:23: ") and "seen by the provider alone" in m
            for m in refused(data, name="data.yaml")
        )


def test_the_agreement_counts() -> None:
    [measure] = AGREEMENT.measures.values()
    assert isinstance(measure, CountMeasure)
    assert measure.judged_by == "c"
    assert AGREEMENT.charges.tax is None
    assert AGREEMENT.charges.minimums == ()


def test_a_share_is_shown_by_as_many_decimals_as_its_level_needs() -> None:
    work = work_of(AGREEMENT, calls((59_999, "AGENT", 1), (40_001, "AGENT", 21)))
    [judged] = invoice_of(work, attain(work)).consequences.judged
    assert share_text(judged) == "59.999 %"
