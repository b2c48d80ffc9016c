"""
Laws of the kernels, from events to an invoice: clocks, verdicts, tiers, sums.

Slow oracles stand beside the fast code: working time is counted minute by minute, units are priced
one by one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.agreements.model import (
    Charge,
    Charges,
    ClockMeasure,
    Level,
    Minimum,
    Pause,
    Regime,
    ServiceLevel,
    Tax,
    Tier,
)
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.regimes.decisions import consequences, judge
from openbpo.agreements.regimes.model import Consequences, Tally, Verdict
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.agreements.service_levels.decisions import case_of, due_at, elapsed, segments
from openbpo.agreements.service_levels.model import Case, CaseEvent
from openbpo.assurance.attainment.decisions import measure
from openbpo.billing.invoicing.decisions import invoice
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.metering.decisions import meter
from openbpo.billing.rating.decisions import rate, top_up, units_in
from openbpo.values.expressions import STRING, compile_expression
from openbpo.values.ids import EventId
from openbpo.values.money import Money, Rounding, sum_money
from openbpo.values.periods import calendar_month

AGREEMENT = read_agreement(read_folder(EXAMPLE))
RESOLVED = from_facts(AGREEMENT, resolve(AGREEMENT))
SERVICE = AGREEMENT.services["tickets"]
DESK_HOURS = RESOLVED.calendars["desk-hours"]
ROME = RESOLVED.zones["Europe/Rome"]
MEASURES = [own for own in AGREEMENT.measures.values() if isinstance(own, ClockMeasure)]
PREMIUM = MEASURES[0]
MARCH = calendar_month("2012-03", ROME)
MINUTE_US = 60_000_000

# --- cases and their clocks

ACTIVITIES = ("Take in charge ticket", "Wait", "Resolve ticket", "Closed", "Require upgrade")
STOPS = ("Wait", "Resolve ticket", "Closed")
FREE_DAYS = {date(2012, 1, 6), date(2012, 4, 9)}
FIRST = datetime(2012, 3, 22, 6, tzinfo=UTC)  # Thursday; clocks go forward on the Sunday after


def event(number: int, minute: int, activity: str, level: str = "premium") -> CaseEvent:
    values = {"activity": activity, "service_level": level}
    happened_at = FIRST + timedelta(minutes=minute)
    return CaseEvent(EventId(f"1.{number}"), happened_at, values)


@st.composite
def histories(draw: st.DrawFn, least: int = 2) -> list[CaseEvent]:
    """Some events of a case within a week and a half, now and then several at one instant."""
    gaps = draw(
        st.lists(st.sampled_from([0, 0, 1, 7, 60, 333, 1_440, 4_000]), min_size=least, max_size=7)
    )
    minute, events = 0, []
    for number, gap in enumerate(gaps):
        minute += gap
        events.append(event(number, minute, draw(st.sampled_from(ACTIVITIES))))
    return events


def told(events: Sequence[CaseEvent]) -> Case:
    return case_of("Case 1", events, SERVICE, AGREEMENT.attributes)


def worked_by_the_minute(start: datetime, end: datetime) -> int:
    """Return the desk's working minutes, asking the clock on the wall once a minute."""
    minutes = 0
    while start < end:
        wall = ROME.to_local(start)
        is_open = 8 * 60 + 30 <= wall.hour * 60 + wall.minute < 13 * 60 or 14 <= wall.hour < 18
        minutes += wall.weekday() < 5 and wall.date() not in FREE_DAYS and is_open
        start += timedelta(minutes=1)
    return minutes


class TestTheClock:
    @given(histories())
    @settings(max_examples=60, deadline=None)
    def test_counts_what_a_person_with_a_watch_would(self, events: list[CaseEvent]) -> None:
        found = elapsed(told(events), PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        stops = [n for n, e in enumerate(events) if e.values["activity"] == "Resolve ticket"]
        if not stops:
            assert found is None
            return
        assert found is not None
        counted = paused = 0
        for one, following in pairwise(events[: stops[-1] + 1]):
            minutes = worked_by_the_minute(one.happened_at, following.happened_at)
            if one.values["activity"] in STOPS:
                paused += minutes
            else:
                counted += minutes
        assert (found.counted_us, found.paused_us) == (counted * MINUTE_US, paused * MINUTE_US)

    @given(histories())
    def test_shares_all_working_time_between_counted_and_paused(
        self, events: list[CaseEvent]
    ) -> None:
        case = told(events)
        found = elapsed(case, PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        if found is not None:
            start, stop = case.at("opened"), case.at("resolved")
            assert start is not None
            assert stop is not None
            whole = DESK_HOURS.worked_us(start, stop)
            assert found.counted_us + found.paused_us == whole
            assert min(found.counted_us, found.paused_us) >= 0
            assert [s.end for s in found.stretches[:-1]] == [s.start for s in found.stretches[1:]]
            assert sum(s.working_us for s in found.stretches) == whole

    @given(histories(), st.integers(0, 60 * 24 * 20), st.integers(1, 200))
    def test_is_the_sum_of_its_segments(
        self, events: list[CaseEvent], until_min: int, within_min: int
    ) -> None:
        """Of a clock that stopped, and of one that is read while it runs; parted where due."""
        until, within_us = FIRST + timedelta(minutes=until_min), within_min * 20 * MINUTE_US
        for at in (None, until):
            found = elapsed(told(events), PREMIUM.clock, SERVICE.pauses, DESK_HOURS, until=at)
            if found is None:
                continue
            parts = segments(found, DESK_HOURS, within_us)
            lasts = {state: sum(p.lasts_us for p in parts if p.state == state)
                     for state in ("counted", "late", "paused", "outside")}  # fmt: skip
            assert lasts["counted"] + lasts["late"] == found.counted_us
            assert lasts["counted"] == min(found.counted_us, within_us)
            assert lasts["paused"] == found.paused_us
            assert all(part.start < part.end for part in parts)
            assert [p.end for p in parts[:-1]] == [p.start for p in parts[1:]]
            whole = sum((s.end - s.start) // timedelta(microseconds=1) for s in found.stretches)
            assert sum(lasts.values()) == whole
            due = due_at(found, DESK_HOURS, within_us)
            if found.counted_us >= within_us:
                assert due is not None
                assert all(p.end <= due for p in parts if p.state == "counted")
                assert all(p.start >= due for p in parts if p.state == "late")
            elif due is not None:
                assert due > found.stretches[-1].end

    @given(histories(), st.integers(0, 60 * 24 * 20))
    def test_reads_while_it_runs_what_it_would_show_had_it_stopped_then(
        self, events: list[CaseEvent], until_min: int
    ) -> None:
        until = FIRST + timedelta(minutes=until_min)
        running = elapsed(told(events), PREMIUM.clock, SERVICE.pauses, DESK_HOURS, until=until)
        stops = [e.happened_at for e in events if e.values["activity"] == "Resolve ticket"]
        whole = elapsed(told(events), PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        if stops and stops[-1] <= until:
            assert running == whole
            return
        past = [e for e in events if e.happened_at <= until]
        if not past:
            assert running is None
            return
        end = event(99, 0, "Resolve ticket")._replace(happened_at=until)
        stopped = elapsed(told([*past, end]), PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        assert running is not None
        assert stopped is not None
        assert (running.counted_us, running.paused_us) == (stopped.counted_us, stopped.paused_us)

    @given(histories(), st.data())
    def test_never_counts_more_for_a_further_wait(
        self, events: list[CaseEvent], data: st.DataObject
    ) -> None:
        """A pause logged in between stops the clock for a while, or changes nothing."""
        before = elapsed(told(events), PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        at = data.draw(st.integers(1, len(events)))
        since = events[at - 1].happened_at
        until = events[at].happened_at if at < len(events) else since + timedelta(hours=5)
        share = data.draw(st.sampled_from([0, 1, 2, 3, 4]))
        wait = event(99, 0, "Wait")._replace(happened_at=since + (until - since) * share / 4)
        paused = [*events[:at], wait, *events[at:]]
        after = elapsed(told(paused), PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert after.counted_us <= before.counted_us
            whole = before.counted_us + before.paused_us
            assert after.counted_us + after.paused_us == whole

    @given(histories(), st.sets(st.sampled_from(ACTIVITIES), min_size=1))
    def test_never_counts_more_under_a_further_pause(
        self, events: list[CaseEvent], stopping: set[str]
    ) -> None:
        listed = ", ".join(f'"{name}"' for name in sorted(stopping))
        condition = compile_expression(f"activity in ({listed})", {"activity": STRING})
        further = {**SERVICE.pauses, "further": Pause(id="further", after=condition)}
        case = told(events)
        one = elapsed(case, PREMIUM.clock, further, DESK_HOURS)
        clock = replace(PREMIUM.clock, pauses=("standing-still", "further"))
        two = elapsed(case, clock, further, DESK_HOURS)
        if one is not None and two is not None:
            assert two.counted_us <= one.counted_us
            assert two.paused_us - one.paused_us == one.counted_us - two.counted_us

    @given(st.lists(st.sampled_from(["premium", "standard", "basic"]), min_size=1, max_size=4))
    def test_belongs_to_the_level_that_the_case_began_with(self, levels: list[str]) -> None:
        """What the data say: a level is that of the first event, its seriousness of the last."""
        events = [event(n, n, "Wait", level) for n, level in enumerate(levels)]
        events = [e._replace(values={**e.values, "seriousness": n}) for n, e in enumerate(events)]
        case = told(events)
        assert case.attributes["service_level"] == levels[0]
        assert case.attributes["seriousness"] == len(levels) - 1
        assert "customer" not in case.attributes

    @given(histories())
    def test_takes_events_of_one_instant_in_their_order(self, events: list[CaseEvent]) -> None:
        """The last of them decides what follows, and the moments name the right ones."""
        case = told(events)
        assert case.events == tuple(events)
        activities = [e.values["activity"] for e in events]
        assert case.moments["opened"] == 0
        if "Resolve ticket" in activities:
            last = len(activities) - 1 - activities[::-1].index("Resolve ticket")
            assert case.moments["resolved"] == last
        assert case.moments.get("closed", -1) == (
            activities.index("Closed") if "Closed" in activities else -1
        )

    @pytest.mark.parametrize(
        ("order", "counted_min"),
        [(("Wait", "Require upgrade"), 60), (("Require upgrade", "Wait"), 0)],
    )
    def test_lets_the_last_of_one_instant_decide(
        self, order: tuple[str, str], counted_min: int
    ) -> None:
        # 120 minutes after 6:00 UTC it is 9:00 in Rome.
        events = [event(n, 120, activity) for n, activity in enumerate(order)]
        events.append(event(2, 180, "Resolve ticket"))
        found = elapsed(told(events), PREMIUM.clock, SERVICE.pauses, DESK_HOURS)
        assert found is not None
        assert found.counted_us == counted_min * MINUTE_US

    def test_counts_nothing_when_it_stops_before_it_starts(self) -> None:
        clock = replace(PREMIUM.clock, start="closed")
        events = [event(0, 0, "Resolve ticket"), event(1, 300, "Closed")]
        found = elapsed(told(events), clock, SERVICE.pauses, DESK_HOURS)
        assert found is not None
        assert (found.counted_us, found.paused_us) == (0, 0)


# --- verdicts and credits

tallies = st.integers(0, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
shares = st.integers(1, 99).map(lambda percent: Fraction(percent, 100))


@st.composite
def regimes(draw: st.DrawFn) -> Regime:
    """A regime of a few service levels, each with bands that a share may fall in."""
    levels = []
    for name in AGREEMENT.measures:
        edges = sorted(draw(st.sets(shares, max_size=4)))
        bounds = [Fraction(0), *edges, None]
        bands = tuple(
            Level(
                at_least=low or Fraction(0),
                below=high,
                is_met=high is None,
                credit_rate=Fraction(0) if high is None else draw(shares),
            )
            for low, high in pairwise(bounds)
        )
        levels.append(
            ServiceLevel(
                measure=name,
                clause=None,
                compare_decimals=draw(st.none() | st.integers(0, 3)),
                low_volume_below=draw(st.integers(1, 30)),
                levels=tuple(draw(st.permutations(bands))),
            )
        )
    cap = draw(st.none() | shares)
    credit = replace(AGREEMENT.regime.credit, cap=cap)
    return Regime(service_levels=tuple(levels), credit=credit)


class TestAVerdict:
    @given(regimes(), tallies)
    def test_is_that_of_the_one_band_that_holds_the_share(
        self, regime: Regime, told: tuple[int, int]
    ) -> None:
        for terms in regime.service_levels:
            found = judge(Tally(terms.measure, *told), terms)
            if told[1] < terms.low_volume_below:
                assert (found.verdict, found.level) == (Verdict.LOW_VOLUME, None)
                assert found.compared is None
                assert found.credit_rate == 0
                continue
            assert found.compared is not None
            holding = [
                level
                for level in terms.levels
                if level.at_least <= found.compared
                and (level.below is None or found.compared < level.below)
            ]
            assert holding == [found.level]
            assert found.credit_rate == holding[0].credit_rate
            assert (found.verdict is Verdict.MET) == holding[0].is_met
            self.is_compared_as_agreed(found.compared, Fraction(*told), terms.compare_decimals)

    def is_compared_as_agreed(
        self, compared: Fraction, exact: Fraction, decimals: int | None
    ) -> None:
        if decimals is None:
            assert compared == exact
            return
        step = Fraction(1, 100 * 10**decimals)
        assert (compared / step).denominator == 1
        assert -step / 2 < compared - exact <= step / 2, "half up"

    @given(st.integers(20, 400), st.data())
    def test_that_is_better_never_costs_more(self, of: int, data: st.DataObject) -> None:
        better, worse = sorted(
            data.draw(st.tuples(st.integers(0, of), st.integers(0, of))), reverse=True
        )
        for terms in AGREEMENT.regime.service_levels:
            good = judge(Tally(terms.measure, better, of), terms)
            bad = judge(Tally(terms.measure, worse, of), terms)
            assert good.credit_rate <= bad.credit_rate
            assert not (bad.verdict is Verdict.MET and good.verdict is Verdict.DEFAULT)

    @pytest.mark.parametrize(
        ("numerator", "of", "verdict", "credit"),
        [
            (19, 20, Verdict.MET, 0),
            (949, 999, Verdict.DEFAULT, 5),
            (950, 1000, Verdict.MET, 0),
            (18, 20, Verdict.DEFAULT, 5),
            (899, 1000, Verdict.DEFAULT, 10),
            (0, 20, Verdict.DEFAULT, 10),
            (0, 19, Verdict.LOW_VOLUME, 0),
            (0, 0, Verdict.LOW_VOLUME, 0),
        ],
    )
    def test_turns_where_the_agreement_says(
        self, numerator: int, of: int, verdict: Verdict, credit: int
    ) -> None:
        terms = AGREEMENT.regime.service_levels[0]
        found = judge(Tally(terms.measure, numerator, of), terms)
        assert (found.verdict, found.credit_rate) == (verdict, Fraction(credit, 100))

    @pytest.mark.parametrize(
        ("numerator", "of", "decimals", "compared"),
        [
            (25, 200, 0, "13/100"),  # 12.5 %
            (27, 200, 0, "14/100"),  # 13.5 %
            (1, 2000, 1, "1/1000"),  # 0.05 %
            (3, 2000, 1, "2/1000"),  # 0.15 %
            (200, 300, 2, "6667/10000"),
            (100, 300, None, "1/3"),
        ],
    )
    def test_compares_the_half_upward(
        self, numerator: int, of: int, decimals: int | None, compared: str
    ) -> None:
        terms = replace(AGREEMENT.regime.service_levels[0], compare_decimals=decimals)
        found = judge(Tally(terms.measure, numerator, of), terms)
        assert found.compared == Fraction(compared)


class TestTheCredit:
    @given(regimes(), st.lists(tallies, min_size=3, max_size=3))
    def test_is_the_sum_of_all_rates_up_to_the_cap(
        self, regime: Regime, told: list[tuple[int, int]]
    ) -> None:
        results = [Tally(n, *t) for n, t in zip(AGREEMENT.measures, told, strict=True)]
        found = consequences(results, regime)
        assert found == consequences(reversed(results), regime)
        assert [j.measure for j in found.judged] == list(AGREEMENT.measures)
        rates = [judged.credit_rate for judged in found.judged]
        assert found.rates_added == sum(rates)
        cap = regime.credit.cap
        assert found.credit_rate == (sum(rates) if cap is None else min(sum(rates), cap))
        assert found.is_capped == (found.credit_rate < found.rates_added)


# --- prices

cents = st.integers(0, 20_000).map(lambda n: Money(Fraction(n, 100), "EUR"))
fine_prices = st.integers(0, 2_000_000).map(lambda n: Money(Fraction(n, 10_000), "EUR"))
prices = cents | fine_prices
roundings = st.sampled_from(Rounding)


@st.composite
def cards(draw: st.DrawFn) -> Charge:
    """A charge of one to four tiers that follow one another, the last one open."""
    ends = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    starts = [1, *(end + 1 for end in ends)]
    tiers = tuple(
        Tier(start=start, end=end, each=draw(prices))
        for start, end in zip(starts, [*ends, None], strict=True)
    )
    return replace(AGREEMENT.charges.charges[0], tiers=tiers)


def price_of_unit(number: int, tiers: Sequence[Tier]) -> Money:
    """Return what the n-th unit costs, by looking through the tiers."""
    (each,) = [t.each for t in tiers if t.start <= number and (t.end is None or number <= t.end)]
    return each


class TestRating:
    @given(cards(), st.integers(0, 120), roundings)
    def test_costs_what_the_units_cost_one_by_one(
        self, card: Charge, quantity: int, rounding: Rounding
    ) -> None:
        lines = rate(quantity, card, rounding)
        slow = sum_money((price_of_unit(n, card.tiers) for n in range(1, quantity + 1)), "EUR")
        assert sum_money((line.exact for line in lines), "EUR") == slow
        for line in lines:
            assert line.each is not None
            assert line.quantity
            assert line.exact == line.each * line.quantity
            assert line.amount == line.exact.rounded(rounding)
            assert abs(line.amount.exact - line.exact.exact) < Fraction(1, 100)

    @given(cards(), st.integers(0, 200))
    def test_puts_each_unit_into_one_tier(self, card: Charge, quantity: int) -> None:
        assert sum(units_in(tier, quantity) for tier in card.tiers) == quantity
        for tier in card.tiers:
            assert units_in(tier, quantity + 1) - units_in(tier, quantity) == (
                tier.start <= quantity + 1 and (tier.end is None or quantity + 1 <= tier.end)
            )

    @given(cards(), st.integers(0, 120), prices, roundings)
    def test_comes_to_the_minimum_at_least(
        self, card: Charge, quantity: int, at_least: Money, rounding: Rounding
    ) -> None:
        lines = rate(quantity, card, rounding)
        charged = sum_money((line.amount for line in lines), "EUR")
        minimum = Minimum(id="least", clause=None, of=(card.id,), at_least=at_least)
        line = top_up(minimum, lines, rounding)
        if charged >= at_least:
            assert line is None
        else:
            assert line is not None
            assert line.exact == at_least - charged
            assert line.amount == line.exact.rounded(rounding)

    @given(cards(), st.integers(0, 120), prices)
    def test_tops_up_only_what_the_minimum_is_of(
        self, card: Charge, quantity: int, at_least: Money
    ) -> None:
        lines = rate(quantity, card, Rounding.HALF_UP)
        minimum = Minimum(id="least", clause=None, of=("another",), at_least=at_least)
        line = top_up(minimum, lines, Rounding.HALF_UP)
        assert (line.exact if line else Money.zero("EUR")) == at_least


# --- the whole month


@st.composite
def months(draw: st.DrawFn) -> list[Case]:
    """Some cases of March 2012, most of them closed in it."""
    cases = []
    for number in range(draw(st.integers(0, 40))):
        level = draw(st.sampled_from(["premium", "standard", "basic", "project"]))
        opened = draw(st.integers(-30_000, 10_000))
        solved = opened + draw(st.sampled_from([10, 5_000, 20_000, 40_000]))
        closed = solved + draw(st.sampled_from([10, 14_400]))
        begins = draw(st.sampled_from(["Take in charge ticket", "Wait"]))
        events = [
            event(3 * number, opened, begins, level),
            event(3 * number + 1, solved, "Resolve ticket", level),
        ]
        if draw(st.integers(0, 9)):
            events.append(event(3 * number + 2, closed, "Closed", level))
        cases.append(case_of(f"Case {number}", events, SERVICE, AGREEMENT.attributes))
    return cases


@st.composite
def rate_cards(draw: st.DrawFn) -> Charges:
    card = draw(cards())
    minimums = (Minimum(id="least", clause=None, of=(card.id,), at_least=draw(prices)),)
    tax = Tax(id="vat", clause=None, name="VAT", rate=draw(shares))
    return Charges(
        charges=(card,),
        minimums=draw(st.sampled_from([(), minimums])),
        bases={"fees-of-the-month": (card.id, "least"), "tickets": (card.id,)},
        tax=draw(st.sampled_from([None, tax])),
        rounding=draw(roundings),
    )


def billed(cases: Sequence[Case], charges: Charges, found: Consequences, base: str) -> Invoice:
    volumes = [meter(charge, cases, MARCH) for charge in charges.charges]
    credit = replace(AGREEMENT.regime.credit, base=base)
    return invoice(MARCH, volumes, found, charges=charges, credit=credit, currency="EUR")


def consequences_of(cases: Sequence[Case], regime: Regime) -> Consequences:
    return consequences([tally_of(cases, own) for own in MEASURES], regime)


def tally_of(cases: Sequence[Case], own: ClockMeasure) -> Tally:
    return measure(own, cases, MARCH, service=SERVICE, calendars=RESOLVED.calendars).tally


@st.composite
def outcomes(draw: st.DrawFn) -> Consequences:
    """What the results of some other desk, with more cases, lead to."""
    results = [Tally(name, *draw(tallies)) for name in AGREEMENT.measures]
    return consequences(results, draw(regimes()))


bases = st.sampled_from(["fees-of-the-month", "tickets"])


class TestAnInvoice:
    @given(months(), rate_cards(), outcomes(), bases)
    @settings(max_examples=150)
    def test_adds_up_in_whole_cents(
        self, cases: list[Case], charges: Charges, outcome: Consequences, base: str
    ) -> None:
        found = billed(cases, charges, outcome, base)
        amounts = [line.amount for line in found.lines]
        amounts += [found.fees, found.credits, found.net, found.tax, found.total]
        assert all(isinstance(amount.minor_units, int) for amount in amounts)
        assert found.fees == sum_money((line.amount for line in found.lines), "EUR")
        assert found.net == found.fees - found.credits
        assert found.total == found.net + found.tax
        self.credits_are_the_rate_of_their_base(found, charges, base)
        self.tax_is_the_rate_of_the_net(found, charges)

    def credits_are_the_rate_of_their_base(
        self, found: Invoice, charges: Charges, base: str
    ) -> None:
        named = charges.bases[base]
        of = sum_money((line.amount for line in found.lines if line.id in named), "EUR")
        exact = of * found.consequences.credit_rate
        assert found.credits == exact.rounded(charges.rounding)
        assert (found.credit is None) == (found.consequences.credit_rate == 0)
        if found.credit is not None:
            assert (found.credit.base, found.credit.exact) == (of, exact)

    def tax_is_the_rate_of_the_net(self, found: Invoice, charges: Charges) -> None:
        rate_of_tax = charges.tax.rate if charges.tax else Fraction(0)
        assert found.tax == (found.net * rate_of_tax).rounded(charges.rounding)
        assert (found.tax_line is None) == (charges.tax is None)

    @given(months(), rate_cards(), regimes(), bases, st.randoms(use_true_random=False))
    @settings(max_examples=75)
    def test_is_the_same_whatever_the_order_of_the_cases(
        self, cases: list[Case], charges: Charges, regime: Regime, base: str, dice: random.Random
    ) -> None:
        shuffled = list(cases)
        dice.shuffle(shuffled)
        one, other = (
            billed(told, charges, consequences_of(told, regime), base) for told in (cases, shuffled)
        )
        assert one == other

    @given(months())
    @settings(max_examples=75)
    def test_counts_each_case_of_the_month_once(self, cases: list[Case]) -> None:
        (charge,) = AGREEMENT.charges.charges
        volume = meter(charge, cases, MARCH)
        closed = {case.key: case.at("closed") for case in cases}
        due = {key for key, at in closed.items() if at is not None and at in MARCH.span}
        assert sorted(case.key for case in volume.cases) == sorted(due)
        assert [c.at("closed") for c in volume.cases] == sorted(
            at for key, at in closed.items() if key in due and at is not None
        )

    def test_counts_time_that_is_just_within(self) -> None:
        events = [event(0, 120, "Take in charge ticket"), event(1, 180, "Resolve ticket")]
        for within_us, numerator in ((60 * MINUTE_US, 1), (60 * MINUTE_US - 1, 0)):
            tally = tally_of([told(events)], replace(PREMIUM, within_us=within_us))
            assert (tally.numerator, tally.denominator) == (numerator, 1)

    @given(months())
    @settings(max_examples=75)
    def test_measures_each_completed_case_in_one_measure_and_one_month(
        self, cases: list[Case]
    ) -> None:
        spring = [calendar_month(f"2012-{m:02}", ROME) for m in range(2, 6)]
        seen: dict[str, int] = {}
        for own in MEASURES:
            for month in spring:
                found = measure(own, cases, month, service=SERVICE, calendars=RESOLVED.calendars)
                for measured in found.cases:
                    seen[measured.case.key] = seen.get(measured.case.key, 0) + 1
                    assert measured.is_within == (measured.elapsed.counted_us <= own.within_us)
        promised = {c.key for c in cases if c.attributes["service_level"] != "project"}
        assert seen == dict.fromkeys(promised, 1)

    @given(months(), st.sampled_from([0, 1, 20]))
    @settings(max_examples=50)
    def test_of_a_better_month_never_has_a_higher_credit_rate(
        self, cases: list[Case], hours: int
    ) -> None:
        """More time allowed, and nothing else changed: what was within stays within."""
        levels = tuple(replace(s, low_volume_below=1) for s in AGREEMENT.regime.service_levels)
        regime = replace(AGREEMENT.regime, service_levels=levels)

        def credit_rate(more_us: int) -> Fraction:
            promises = [replace(own, within_us=own.within_us + more_us) for own in MEASURES]
            return consequences([tally_of(cases, own) for own in promises], regime).credit_rate

        assert credit_rate(hours * 60 * MINUTE_US) <= credit_rate(0)
