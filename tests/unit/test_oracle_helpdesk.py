"""The slow oracle is checked by hand: every expected number here was worked out on paper."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from tests.oracle import helpdesk
from tests.oracle.helpdesk import Invoice, ServiceLevel, invoices

STANDARD = 1  # its place in `service_levels`


def rome(text: str) -> datetime:
    return helpdesk.instant(datetime.fromisoformat(text))


def worked(start: str, end: str) -> timedelta:
    return helpdesk.working_time(rome(start), rome(end))


def row(case: str, activity: str, at: str, level: str = "Value 2") -> dict[str, str]:
    stamp = at.replace("-", "/") + ":00.000"
    return {
        "Case ID": case,
        "Activity": activity,
        "Complete Timestamp": stamp,
        "service_level": level,
    }


def ticket(
    *steps: tuple[str, str], case: str = "Case 1", level: str = "Value 2"
) -> list[dict[str, str]]:
    return [row(case, activity, at, level) for activity, at in steps]


def counted(*steps: tuple[str, str]) -> timedelta:
    [events] = helpdesk.tickets(ticket(*steps))
    resolved = helpdesk.last_resolution(events)
    assert resolved is not None
    return helpdesk.counted_time(events, resolved)


def level_of(found: Invoice, place: int) -> tuple[int, int]:
    level: ServiceLevel = found["service_levels"][place]
    return level["numerator"], level["denominator"]


class TestWorkingTime:
    def test_stands_still_over_a_weekend(self) -> None:
        assert worked("2012-02-10 17:00", "2012-02-13 09:30") == timedelta(hours=2)

    def test_stands_still_at_lunch(self) -> None:
        assert worked("2012-02-14 12:30", "2012-02-14 14:30") == timedelta(hours=1)
        assert worked("2012-02-14 13:00", "2012-02-14 14:00") == timedelta(0)

    def test_is_eight_and_a_half_hours_a_day(self) -> None:
        assert worked("2012-02-14 00:00", "2012-02-15 00:00") == timedelta(hours=8.5)
        assert worked("2012-02-13 00:00", "2012-02-20 00:00") == timedelta(hours=42.5)

    @pytest.mark.parametrize(
        ("start", "end", "minutes"),
        [
            ("2012-04-24 17:00", "2012-04-26 09:00", 90),  # Wednesday 25 April
            ("2012-04-06 17:00", "2012-04-10 10:00", 150),  # Easter Monday; Good Friday is worked
            ("2011-03-16 17:30", "2011-03-18 09:00", 60),  # 17 March 2011, that once
            ("2010-03-16 17:30", "2010-03-18 09:00", 570),  # and no other year
            ("2011-12-06 17:30", "2011-12-07 09:00", 60),  # Milan's patron saint is worked
        ],
    )
    def test_stands_still_on_a_national_holiday(self, start: str, end: str, minutes: int) -> None:
        assert worked(start, end) == timedelta(minutes=minutes)

    def test_is_the_same_over_both_changes_of_clocks(self) -> None:
        assert worked("2012-03-23 17:30", "2012-03-26 08:45") == timedelta(minutes=45)
        assert worked("2012-10-26 17:30", "2012-10-29 08:45") == timedelta(minutes=45)


class TestHolidays:
    @pytest.mark.parametrize(
        "monday",
        [
            *("2009-04-13", "2010-04-05", "2011-04-25", "2012-04-09", "2013-04-01", "2014-04-21"),
            *("2024-04-01", "2025-04-21", "2026-04-06", "2030-04-22"),
        ],
    )
    def test_know_easter_monday(self, monday: str) -> None:
        day = date.fromisoformat(monday)
        assert day - timedelta(days=1) == helpdesk.easter_sunday(day.year)
        assert not helpdesk.is_working_day(day)

    def test_know_saint_francis_from_2026(self) -> None:
        assert helpdesk.is_working_day(date(2023, 10, 4))
        assert not helpdesk.is_working_day(date(2027, 10, 4))


class TestClock:
    def test_stands_still_while_the_client_is_asked(self) -> None:
        assert counted(
            ("Assign seriousness", "2012-02-13 09:00"),
            ("Wait", "2012-02-13 10:00"),
            ("Take in charge ticket", "2012-02-13 15:00"),
            ("Resolve ticket", "2012-02-13 16:00"),
        ) == timedelta(hours=2)

    def test_runs_on_when_a_resolved_ticket_is_reopened(self) -> None:
        assert counted(
            ("Assign seriousness", "2012-02-13 09:00"),
            ("Resolve ticket", "2012-02-13 10:00"),
            ("Take in charge ticket", "2012-02-14 09:00"),
            ("Resolve ticket", "2012-02-14 11:00"),
            ("Closed", "2012-02-15 11:00"),
        ) == timedelta(hours=3)

    def test_stands_still_after_closed_too(self) -> None:
        assert counted(
            ("Assign seriousness", "2012-02-13 09:00"),
            ("Closed", "2012-02-13 10:00"),
            ("Resolve ticket", "2012-02-20 10:00"),
        ) == timedelta(hours=1)

    def test_takes_events_of_one_instant_in_file_order(self) -> None:
        opened, resolved = (
            ("Insert ticket", "2012-02-13 09:00"),
            ("Resolve ticket", "2012-02-13 11:00"),
        )
        wait, take = ("Wait", "2012-02-13 10:00"), ("Take in charge ticket", "2012-02-13 10:00")
        assert counted(opened, wait, take, resolved) == timedelta(hours=2)
        assert counted(opened, take, wait, resolved) == timedelta(hours=1)

    def test_puts_a_late_row_in_its_place(self) -> None:
        assert counted(
            ("Resolve ticket", "2012-02-13 11:00"),
            ("Wait", "2012-02-13 10:00"),
            ("Insert ticket", "2012-02-13 09:00"),
        ) == timedelta(hours=1)

    @pytest.mark.parametrize("at", ["2012-03-25 02:30", "2012-10-28 02:30"])
    def test_refuses_an_hour_that_is_skipped_or_doubled(self, at: str) -> None:
        with pytest.raises(ValueError, match="skipped or doubled"):
            invoices(ticket(("Insert ticket", at)))


class TestTicket:
    # Fourteen working days of 8.5 h from Monday 6 February, and one hour: 120 h.
    @pytest.mark.parametrize(("minute", "within"), [("09:29", 1), ("09:30", 1), ("09:31", 0)])
    def test_is_within_up_to_exactly_its_limit(self, minute: str, within: int) -> None:
        rows = ticket(
            ("Assign seriousness", "2012-02-06 08:30"), ("Resolve ticket", f"2012-02-24 {minute}")
        )
        assert level_of(invoices(rows)["2012-02"], STANDARD) == (within, 1)

    def test_counts_once_in_the_month_of_its_last_resolution(self) -> None:
        found = invoices(
            ticket(
                ("Assign seriousness", "2012-01-31 09:00"),
                ("Resolve ticket", "2012-01-31 10:00"),
                ("Take in charge ticket", "2012-02-01 09:00"),
                ("Resolve ticket", "2012-02-01 10:00"),
            )
        )
        assert level_of(found["2012-01"], STANDARD) == (0, 0)
        assert level_of(found["2012-02"], STANDARD) == (1, 1)

    def test_keeps_the_service_level_of_its_first_event(self) -> None:
        found = invoices(
            [
                row("Case 1", "Assign seriousness", "2012-02-13 09:00", "Value 3"),
                row("Case 1", "Resolve ticket", "2012-02-13 10:00", "Value 1"),
            ]
        )
        assert [level_of(found["2012-02"], place) for place in range(3)] == [(0, 0), (0, 0), (1, 1)]

    def test_of_a_project_is_promised_nothing(self) -> None:
        steps = ("Assign seriousness", "2012-02-13 09:00"), ("Resolve ticket", "2012-02-13 10:00")
        found = invoices(ticket(*steps, level="Value 4"))
        assert [level_of(found["2012-02"], place) for place in range(3)] == [(0, 0)] * 3

    def test_belongs_to_the_month_of_rome(self) -> None:
        # Half past midnight on 1 July in Rome is still June in UTC.
        assert rome("2012-07-01 00:30") == datetime(2012, 6, 30, 22, 30, tzinfo=UTC)
        assert list(invoices(ticket(("Closed", "2012-07-01 00:30")))) == ["2012-07"]


class TestFees:
    @pytest.mark.parametrize(
        ("closed", "cents"),
        [
            (0, 1_500_00),
            (39, 1_500_00),  # 39 * 38.00 = 1,482.00
            (40, 1_520_00),
            (50, 1_900_00),
            (51, 1_931_50),
            (100, 3_475_00),
            (101, 3_501_25),
            (120, 4_000_00),  # 1,900.00 + 1,575.00 + 525.00
        ],
    )
    def test_are_graduated_above_a_minimum(self, closed: int, cents: int) -> None:
        assert helpdesk.fees_cents(closed) == cents

    def test_bill_a_ticket_once_when_it_is_first_closed(self) -> None:
        rows = [
            row(f"Case {number}", "Closed", at, "Value 4")
            for number in range(41)
            for at in ("2012-02-13 09:00", "2012-03-13 09:00")
        ]
        found = invoices(rows)
        assert found["2012-02"]["fees"] == "1558.00"  # 41 * 38.00, projects too
        assert found["2012-03"]["fees"] == "1500.00"

    def test_are_owed_for_an_idle_month_between_two_others(self) -> None:
        rows = ticket(("Insert ticket", "2012-11-30 09:00"), ("Closed", "2013-02-01 09:00"))
        found = invoices(rows)
        assert list(found) == ["2012-11", "2012-12", "2013-01", "2013-02"]
        assert {month["total"] for month in found.values()} == {"1830.00"}


class TestVerdict:
    @pytest.mark.parametrize(
        ("within", "completed", "verdict", "rate"),
        [
            (0, 0, "low_volume", "0.00"),
            (0, 19, "low_volume", "0.00"),
            (20, 20, "met", "0.00"),
            (19, 20, "met", "0.00"),
            (189, 199, "default", "0.05"),  # 94.97 %
            (18, 20, "default", "0.05"),
            (17, 20, "default", "0.10"),
            (0, 20, "default", "0.10"),
        ],
    )
    def test_follows_the_share(self, within: int, completed: int, verdict: str, rate: str) -> None:
        shown, _ = helpdesk.judged("standard", within, completed)
        assert (shown["verdict"], shown["credit_rate"]) == (verdict, rate)
        assert (shown["numerator"], shown["denominator"]) == (within, completed)


def billed(closed: int, standard: int, basic: int) -> list[str]:
    """Return the amounts of a month with so many of 20 tickets within, at both levels."""
    levels = [
        helpdesk.judged("premium", 0, 0),
        helpdesk.judged("standard", standard, 20),
        helpdesk.judged("basic", basic, 20),
    ]
    found = helpdesk.invoice("2012-02", closed, levels)
    return [found["fees"], found["credits"], found["net"], found["tax"], found["total"]]


class TestInvoice:
    def test_adds_the_rates(self) -> None:
        assert billed(120, 18, 18) == ["4000.00", "400.00", "3600.00", "792.00", "4392.00"]

    def test_caps_the_sum_of_the_rates(self) -> None:
        assert billed(120, 17, 18) == ["4000.00", "480.00", "3520.00", "774.40", "4294.40"]
        assert billed(120, 17, 17) == ["4000.00", "480.00", "3520.00", "774.40", "4294.40"]

    def test_gives_credit_on_the_minimum_too(self) -> None:
        assert billed(3, 17, 20) == ["1500.00", "150.00", "1350.00", "297.00", "1647.00"]

    def test_rounds_half_a_cent_of_credit_up(self) -> None:
        # 5 % of 1,931.50 is 96.575; 22 % of 1,834.92 is 403.6824
        assert billed(51, 18, 20) == ["1931.50", "96.58", "1834.92", "403.68", "2238.60"]

    def test_rounds_half_a_cent_of_tax_up(self) -> None:
        # 22 % of 3,501.25 is 770.275
        assert billed(101, 20, 20) == ["3501.25", "0.00", "3501.25", "770.28", "4271.53"]

    def test_rounds_less_than_half_a_cent_down(self) -> None:
        assert helpdesk.half_up(Fraction(249, 100)) == 2
        assert helpdesk.half_up(Fraction(5, 2)) == 3
