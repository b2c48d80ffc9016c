"""Laws of durations and spans, each against a model that is too simple to be wrong."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from openbpo.values.durations import duration_text, parse_duration_us
from openbpo.values.spans import Span

DAYS = 12
FIRST = date(2012, 2, 24)


@st.composite
def spans(draw: st.DrawFn) -> Span[date]:
    start = draw(st.integers(0, DAYS - 1))
    end = draw(st.none() | st.integers(start + 1, DAYS))
    return Span(day(start), None if end is None else day(end))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def members(span: Span[date] | None) -> set[int]:
    """Return the days of the span; one day past all ends stands for every later day."""
    return set() if span is None else {n for n in range(DAYS + 1) if day(n) in span}


class TestSpan:
    @given(spans(), spans())
    def test_is_a_set_of_moments(self, a: Span[date], b: Span[date]) -> None:
        assert members(a.intersection(b)) == members(a) & members(b)
        assert a.overlaps(b) == bool(members(a) & members(b))
        assert a.before(b) == (max(members(a)) < min(members(b)))

    @given(spans(), spans())
    def test_is_symmetric_where_it_should_be(self, a: Span[date], b: Span[date]) -> None:
        assert a.overlaps(b) == b.overlaps(a)
        assert a.intersection(b) == b.intersection(a)
        assert a.intersection(a) == a

    @given(spans(), spans())
    def test_is_before_after_or_overlapping_and_only_one(
        self, a: Span[date], b: Span[date]
    ) -> None:
        assert [a.before(b), b.before(a), a.overlaps(b)].count(True) == 1

    @given(spans(), spans())
    def test_meets_when_nothing_lies_between(self, a: Span[date], b: Span[date]) -> None:
        between = set(range(max(members(a)) + 1, min(members(b))))
        assert a.meets(b) == (a.before(b) and not between)


class TestDurationText:
    @given(st.integers(0, 10**15))
    def test_is_read_back_exactly(self, us: int) -> None:
        assert parse_duration_us(duration_text(us)) == us
