from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from openbpo.values.spans import Span, as_utc

MAY, JUNE, JULY = date(2012, 5, 1), date(2012, 6, 1), date(2012, 7, 1)


class TestSpan:
    def test_holds_its_start_and_not_its_end(self) -> None:
        span = Span(MAY, JUNE)
        assert MAY in span
        assert JUNE not in span
        assert span.contains(date(2012, 5, 31))

    def test_without_an_end_holds_everything_later(self) -> None:
        assert date(9999, 12, 31) in Span(MAY, None)
        assert date(2012, 4, 30) not in Span(MAY, None)

    def test_meets_its_neighbour_without_overlapping_it(self) -> None:
        left, right = Span(MAY, JUNE), Span(JUNE, JULY)
        assert left.meets(right)
        assert not right.meets(left)
        assert left.before(right)
        assert not left.overlaps(right)
        assert left.intersection(right) is None

    def test_keeps_what_lies_in_both(self) -> None:
        assert Span(MAY, JULY).intersection(Span(JUNE, None)) == Span(JUNE, JULY)
        assert Span(MAY, None).intersection(Span(JUNE, None)) == Span(JUNE, None)

    @pytest.mark.parametrize("end", [MAY, date(2012, 4, 30)])
    def test_refuses_to_end_before_it_has_begun(self, end: date) -> None:
        with pytest.raises(ValueError, match="A span ends after it starts"):
            Span(MAY, end)

    def test_refuses_naive_instants(self) -> None:
        aware = datetime(2012, 5, 1, tzinfo=UTC)
        with pytest.raises(ValueError, match="has no time zone"):
            Span(datetime(2012, 5, 1), None)
        with pytest.raises(ValueError, match="has no time zone"):
            Span(aware, datetime(2012, 6, 1))

    def test_keeps_instants_in_utc(self) -> None:
        india = timezone(timedelta(hours=5, minutes=30))
        span = Span(datetime(2012, 5, 1, 5, 30, tzinfo=india), datetime(2012, 5, 2, tzinfo=india))
        assert span.start.tzinfo is UTC
        assert span.start == datetime(2012, 5, 1, tzinfo=UTC)
        assert span.end is not None
        assert span.end.tzinfo is UTC

    def test_reads_as_half_open(self) -> None:
        assert str(Span(MAY, JUNE)) == "[2012-05-01, 2012-06-01)"
        assert str(Span(MAY, None)) == "[2012-05-01, open)"


class TestAsUtc:
    def test_refuses_a_naive_datetime(self) -> None:
        with pytest.raises(ValueError, match="has no time zone"):
            as_utc(datetime(2012, 5, 1))
