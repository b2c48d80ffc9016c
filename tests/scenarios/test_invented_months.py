"""Four invented months, each worked out by hand in its docstring, through the real command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from tests.support import Ticket, agreement_at, done, ticket, write_log

OPENED = "2012-05-07T08:30:00"  # a Monday
QUICK = "2012-05-07T12:00:00"
SLOW = "2012-05-31T18:00:00"  # 19 working days of 8.5 h: 161.5 h, beyond every promise
CLOSED = "2012-05-31T18:00:00"


def billed(folder: Path, tickets: Iterable[Ticket], period: str) -> dict[str, Any]:
    """Accept, import and bill, as a user would."""
    log = write_log(folder.parent / f"{folder.name}.csv", tickets)
    done("accept", str(folder), "--as", "provider")
    done("import", folder.name, str(log))
    invoice: dict[str, Any] = done("invoice", folder.name, "--period", period, "--json").json
    return invoice


def amounts(invoice: dict[str, Any]) -> tuple[str, ...]:
    """Return fees, credits, net, tax and total."""
    return tuple(invoice[key] for key in ("fees", "credits", "net", "tax", "total"))


def levels(invoice: dict[str, Any]) -> list[tuple[int, int, str, str]]:
    """Return numerator, denominator, verdict and rate of each level."""
    return [
        (level["numerator"], level["denominator"], level["verdict"], level["credit_rate"])
        for level in invoice["service_levels"]
    ]


def tickets_of(level: str, quick: int, slow: int) -> list[Ticket]:
    """Return tickets resolved within the promise and beyond it, all closed in the month."""
    return [ticket(level, OPENED, QUICK, CLOSED)] * quick + [
        ticket(level, OPENED, SLOW, CLOSED)
    ] * slow


class TestAMonthOnTheMinimum:
    def test_is_made_up_to_1500(self, home: Path, tmp_path: Path) -> None:
        """
        3 tickets: 3 x 38.00 = 114.00; the minimum lacks 1,386.00; fees 1,500.00.
        3 completed are fewer than 20: low volume, no credit. VAT 22 % = 330.00.
        """
        folder = agreement_at(tmp_path / "minimum-month")
        invoice = billed(folder, tickets_of("standard", 2, 1), "2012-05")
        assert [(line["id"], line["amount"]) for line in invoice["lines"]] == [
            ("tickets-closed", "114.00"),
            ("monthly-minimum", "1386.00"),
        ]
        assert amounts(invoice) == ("1500.00", "0.00", "1500.00", "330.00", "1830.00")
        assert levels(invoice)[1] == (2, 3, "low_volume", "0.00")


class TestAMonthAboveTheCap:
    def test_is_credited_12_per_cent(self, home: Path, tmp_path: Path) -> None:
        """
        60 tickets: 50 x 38.00 + 10 x 31.50 = 2,215.00.
        Standard 20 of 25 = 80 %: 10 %. Basic 27 of 30 = 90 %: 5 %. Premium 4 of 5: low volume.
        15 % added, 12 % at most: 265.80. Net 1,949.20, VAT 428.824, so 428.82; total 2,378.02.
        """
        folder = agreement_at(tmp_path / "cap-month")
        tickets = tickets_of("standard", 20, 5) + tickets_of("basic", 27, 3)
        invoice = billed(folder, tickets + tickets_of("premium", 4, 1), "2012-05")
        assert levels(invoice) == [
            (4, 5, "low_volume", "0.00"),
            (20, 25, "default", "0.10"),
            (27, 30, "default", "0.05"),
        ]
        assert invoice["credit_line"]["rates_added"] == "0.15"
        assert amounts(invoice) == ("2215.00", "265.80", "1949.20", "428.82", "2378.02")


class TestAMonthWithHalfACent:
    def test_is_rounded_half_up_once(self, home: Path, tmp_path: Path) -> None:
        """
        51 tickets: 50 x 38.00 + 1 x 31.50 = 1,931.50. Standard 46 of 51 = 90.2 %: 5 %.
        5 % of 1,931.50 = 96.575, half up 96.58 (to even it would be 96.58 too; down 96.57).
        Net 1,834.92; VAT 22 % = 403.6824, so 403.68; total 2,238.60.
        """
        folder = agreement_at(tmp_path / "half-cent-month")
        invoice = billed(folder, tickets_of("standard", 46, 5), "2012-05")
        assert levels(invoice)[1] == (46, 51, "default", "0.05")
        assert amounts(invoice) == ("1931.50", "96.58", "1834.92", "403.68", "2238.60")

    def test_is_not_rounded_to_the_even_cent(self, home: Path, tmp_path: Path) -> None:
        """
        52 tickets: 1,900.00 + 63.00 = 1,963.00, 53: 1,994.50; 5 % of 1,994.50 = 99.725: half up
        99.73, to even 99.72. Standard 48 of 53 = 90.57 %: 5 %. Net 1,894.77; VAT 416.8494, so
        416.85; total 2,311.62.
        """
        folder = agreement_at(tmp_path / "even-cent-month")
        invoice = billed(folder, tickets_of("standard", 48, 5), "2012-05")
        assert amounts(invoice) == ("1994.50", "99.73", "1894.77", "416.85", "2311.62")


class TestAMonthRoundTheClockInWhichClocksChange:
    EDITS: ClassVar = {
        "calendars.yaml": [
            (
                (
                    "  hours:\n"
                    "    - {days: monday to friday, from: 08:30, to: 13:00}\n"
                    "    - {days: monday to friday, from: 14:00, to: 18:00}\n"
                    "  holidays: {country: IT}                "
                    "# national holidays, no patron saints\n"
                ),
                "  hours: always\n",
            )
        ],
        "measures.yaml": [("within: 120 h", "within: 24 h")],
    }

    def test_counts_the_hours_that_passed(self, home: Path, tmp_path: Path) -> None:
        """
        In Rome 25 March 2012 has no 02:00 to 03:00: from Saturday 12:00 to Sunday 13:00 the wall
        shows 25 hours, 24 passed: within 24 h. A second more is not. From Sunday 12:00 to Monday
        12:00 24 hours passed. 18 + 1 of 20 within = 95 %: met.
        Closed: 20 x 38.00 = 760.00, made up to 1,500.00; VAT 330.00.
        """
        folder = agreement_at(tmp_path / "spring-month", self.EDITS)
        over_the_night = ticket(
            "standard", "2012-03-24T12:00:00", "2012-03-25T13:00:00", "2012-03-26T09:00:00"
        )
        a_second_late = ticket(
            "standard", "2012-03-24T12:00:00", "2012-03-25T13:00:01", "2012-03-26T09:00:00"
        )
        a_plain_day = ticket(
            "standard", "2012-03-25T12:00:00", "2012-03-26T12:00:00", "2012-03-26T13:00:00"
        )
        tickets = [over_the_night] * 18 + [a_plain_day, a_second_late]
        invoice = billed(folder, tickets, "2012-03")
        assert levels(invoice)[1] == (19, 20, "met", "0.00")
        assert amounts(invoice) == ("1500.00", "0.00", "1500.00", "330.00", "1830.00")

    def test_counts_the_doubled_hour_twice(self, home: Path, tmp_path: Path) -> None:
        """
        28 October 2012 has 02:00 to 03:00 twice: from Saturday 12:00 to Sunday 11:00 the wall shows
        23 hours, 24 passed: within. A second more is not. 19 of 21 within = 90.48 %: 5 %.
        Fees 1,500.00; credit 75.00; net 1,425.00; VAT 313.50; total 1,738.50.
        """
        folder = agreement_at(tmp_path / "autumn-month", self.EDITS)
        within = ticket(
            "standard", "2012-10-27T12:00:00", "2012-10-28T11:00:00", "2012-10-29T09:00:00"
        )
        late = ticket(
            "standard", "2012-10-27T12:00:00", "2012-10-28T11:00:01", "2012-10-29T09:00:00"
        )
        invoice = billed(folder, [within] * 19 + [late] * 2, "2012-10")
        assert levels(invoice)[1] == (19, 21, "default", "0.05")
        assert amounts(invoice) == ("1500.00", "75.00", "1425.00", "313.50", "1738.50")


class TestTheMonthInWhichTheTermEnds:
    EDITS: ClassVar = {
        "agreement.yaml": [
            (
                "in_force: {from: 2010-01-01}             # until: open, unless a day is named",
                "in_force: {from: 2010-01-01, until: 2012-05-16}",
            ),
            ("term: {from: 2010-01-01}", "term: {from: 2010-01-01, until: 2012-05-16}"),
        ]
    }

    def test_holds_what_happened_within_the_term(self, home: Path, tmp_path: Path) -> None:
        """
        The last day is 15 May 2012. Closed on it: 40 x 38.00 = 1,520.00, above the minimum, which
        is due in full in a part month too. Closed on the 16th: not charged. Resolved within the
        term: 20 within of 20; the late ones were resolved after it. VAT 334.40; total 1,854.40.
        """
        folder = agreement_at(tmp_path / "last-month", self.EDITS)
        on_the_last_day = ticket("standard", OPENED, QUICK, "2012-05-15T23:59:59")
        a_day_late = ticket("standard", OPENED, "2012-05-16T00:00:00", "2012-05-16T00:00:00")
        closed = [ticket("project", OPENED, QUICK, "2012-05-15T09:00:00")] * 20
        tickets = [on_the_last_day] * 20 + closed + [a_day_late] * 5
        invoice = billed(folder, tickets, "2012-05")
        assert levels(invoice)[1] == (20, 20, "met", "0.00")
        assert amounts(invoice) == ("1520.00", "0.00", "1520.00", "334.40", "1854.40")
