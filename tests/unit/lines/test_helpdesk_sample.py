"""The made-up year: the same everywhere, shaped like a real export, and worth a demo."""

import gzip
from collections import Counter
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.oracle import helpdesk

from openbpo.lines.helpdesk.sample import sample_log, write_sample

YEARS_AND_SEEDS = [(2024, 1), (2025, 7), (2026, 7), (2027, 3)]
AT = 3

# Shares of the events of a real help desk's public log, of 21,348 events.
REAL_SHARES = {
    "Take in charge ticket": 0.237,
    "Resolve ticket": 0.233,
    "Assign seriousness": 0.231,
    "Closed": 0.214,
    "Wait": 0.069,
    "Require upgrade": 0.006,
    "Insert ticket": 0.006,
    "Create SW anomaly": 0.003,
}


def cases_of(year: int, seed: int) -> dict[str, list[list[str]]]:
    rows = sample_log(year, seed)
    next(rows)
    cases: dict[str, list[list[str]]] = {}
    for row in rows:
        cases.setdefault(row[0], []).append(row)
    return cases


def written(path: Path, seed: int = 7) -> bytes:
    write_sample(path, 2025, seed)
    return path.read_bytes()


def invoices_of(path: Path) -> dict[str, helpdesk.Invoice]:
    write_sample(path, 2025, 7)
    return helpdesk.invoices(helpdesk.read(path))


class TestBytes:
    def test_are_the_same_for_the_same_seed(self, tmp_path: Path) -> None:
        assert written(tmp_path / "a.csv") == written(tmp_path / "b.csv")
        assert written(tmp_path / "a.csv.gz") == written(tmp_path / "b.csv.gz")

    def test_are_the_same_on_every_machine(self, tmp_path: Path) -> None:
        digest = sha256(written(tmp_path / "a.csv")).hexdigest()
        assert digest == "77427fb77aa946d03b42182c2619196e68738778a11697dcddce856dd218a3c4"

    def test_are_the_same_inside_the_gzip(self, tmp_path: Path) -> None:
        assert gzip.decompress(written(tmp_path / "a.csv.gz")) == written(tmp_path / "a.csv")

    def test_differ_for_another_seed(self, tmp_path: Path) -> None:
        assert written(tmp_path / "a.csv", seed=7) != written(tmp_path / "b.csv", seed=8)

    def test_end_every_line_as_the_real_export_does(self, tmp_path: Path) -> None:
        data = written(tmp_path / "a.csv")
        assert data.endswith(b"\n")
        assert b"\r" not in data
        assert b'"' not in data


class TestRows:
    def test_begin_with_the_real_header(self) -> None:
        assert ",".join(next(sample_log(2025, 7))) == (
            "Case ID,Activity,Resource,Complete Timestamp,Variant,Variant index,Variant,"
            "seriousness,customer,product,responsible_section,seriousness_2,service_level,"
            "service_type,support_section,workgroup"
        )

    def test_have_sixteen_cells_none_empty(self) -> None:
        assert all(len(row) == 16 and all(row) for row in sample_log(2025, 7))

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_are_in_order_of_time_in_each_case(self, year: int, seed: int) -> None:
        for rows in cases_of(year, seed).values():
            times = [row[AT] for row in rows]
            assert times == sorted(times)

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_number_the_cases_in_order_of_opening(self, year: int, seed: int) -> None:
        cases = cases_of(year, seed)
        assert list(cases) == [f"Case {number}" for number in range(1, len(cases) + 1)]
        opened = [rows[0][AT] for rows in cases.values()]
        assert opened == sorted(opened)

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_are_never_in_an_hour_that_clocks_skip_or_double(self, year: int, seed: int) -> None:
        rome = ZoneInfo("Europe/Rome")
        for rows in cases_of(year, seed).values():
            for row in rows:
                at = datetime.strptime(row[AT], "%Y/%m/%d %H:%M:%S.000").replace(tzinfo=rome)
                assert at.year == year
                assert at.utcoffset() == at.replace(fold=1).utcoffset()

    def test_name_the_most_frequent_trace_variant_1(self) -> None:
        names = {case: rows[0][4:7] for case, rows in cases_of(2025, 7).items()}
        assert all(name == [f"Variant {name[1]}", name[1], name[0]] for name in names.values())
        sizes = Counter(int(name[1]) for name in names.values())
        assert [sizes[number] for number in sorted(sizes)] == sorted(sizes.values(), reverse=True)


class TestShape:
    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_has_a_desks_year_of_tickets(self, year: int, seed: int) -> None:
        assert 1_000 <= len(cases_of(year, seed)) <= 1_400

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_has_the_real_shares_of_activities(self, year: int, seed: int) -> None:
        rows = [row for case in cases_of(year, seed).values() for row in case]
        found = Counter(row[1] for row in rows)
        for activity, share in REAL_SHARES.items():
            assert abs(found[activity] / len(rows) - share) < 0.015, activity

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_has_like_shares_of_service_levels(self, year: int, seed: int) -> None:
        cases = cases_of(year, seed)
        found = Counter(rows[0][12] for rows in cases.values())
        real = {"Value 1": 0.026, "Value 2": 0.767, "Value 3": 0.202, "Value 4": 0.006}
        assert found.keys() == real.keys()
        for level, share in real.items():
            assert abs(found[level] / len(cases) - share) < 0.05, level

    def test_reopens_some_tickets_and_leaves_some_open(self) -> None:
        traces = [[row[1] for row in rows] for rows in cases_of(2025, 7).values()]
        again = sum(trace.count("Resolve ticket") > 1 for trace in traces)
        assert 0.05 < again / len(traces) < 0.12
        assert 0 < sum("Closed" not in trace for trace in traces) < 100

    def test_works_in_office_hours(self) -> None:
        events = [row for rows in cases_of(2025, 7).values() for row in rows]
        touched = [row for row in events if row[1] != "Closed"]
        office = [row for row in touched if "08:30" <= row[AT][11:16] < "18:00"]
        assert len(office) > 0.98 * len(touched)


class TestDemoYear:
    def test_shows_each_thing_that_the_contract_can_do(self, tmp_path: Path) -> None:
        found = invoices_of(tmp_path / "a.csv")
        assert list(found) == [f"2025-{month:02d}" for month in range(1, 13)]
        verdicts = Counter(
            (level["verdict"], level["credit_rate"])
            for month in found.values()
            for level in month["service_levels"]
        )
        assert verdicts.keys() == {
            ("met", "0.00"),
            ("low_volume", "0.00"),
            ("default", "0.05"),
            ("default", "0.10"),
        }

    def test_reaches_the_cap_in_november_and_the_minimum_in_august(self, tmp_path: Path) -> None:
        found = invoices_of(tmp_path / "a.csv")
        november, august = found["2025-11"], found["2025-08"]
        assert [level["credit_rate"] for level in november["service_levels"]] == [
            "0.00",
            "0.10",
            "0.05",
        ]
        assert (november["fees"], november["credits"]) == ("4183.75", "502.05")  # 12 %, not 15 %
        assert (august["fees"], august["credits"]) == ("1500.00", "150.00")
