"""Cases, charges and keys where two versions meet, and terms that only look as if they computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.support import Ticket, agreement_at, done, openbpo, ticket, write_log

from openbpo.agreements.files import read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.values.refusals import Refusal

LATER = ("version: 1", "version: 2\nsupersedes: [1]")
FROM_JULY = (
    "in_force: {from: 2010-01-01}             # until: open, unless a day is named",
    "in_force: {from: 2012-07-01}",
)


def version_two(folder: Path, **edits: list[tuple[str, str]]) -> Path:
    """Replace the agreement of a folder by a later version of it, from July 2012 on."""
    shutil.rmtree(folder)
    changed = {f"{name}.yaml": pairs for name, pairs in edits.items()}
    return agreement_at(folder, {"agreement.yaml": [LATER, FROM_JULY], **changed})


class TestACaseThatBeganUnderAnEarlierVersion:
    def test_is_measured_by_that_versions_measure(self, home: Path, tmp_path: Path) -> None:
        """From July on standard tickets have 2 h; one of June, resolved in July, has its 120 h."""
        folder = agreement_at(tmp_path / "crossing")
        of_june = ticket("standard", "2012-06-29T09:00:00", "2012-07-02T12:00:00")
        of_july = ticket("standard", "2012-07-02T08:30:00", "2012-07-02T12:00:00")
        log = write_log(tmp_path / "crossing.csv", [of_june] * 3 + [of_july] * 2)
        done("accept", str(folder), "--as", "provider")
        version_two(folder, measures=[("within: 120 h", "within: 2 h")])
        done("accept", str(folder), "--as", "provider")
        done("import", "crossing", str(log))
        july = done("attain", "crossing", "--period", "2012-07", "--json").json
        standard = july["service_levels"][1]
        assert (standard["numerator"], standard["denominator"]) == (3, 5)

    def test_with_no_such_moment_is_refused_by_name(self, home: Path, tmp_path: Path) -> None:
        folder = agreement_at(tmp_path / "renaming")
        of_june = ticket(
            "standard", "2012-06-29T09:00:00", "2012-07-02T12:00:00", "2012-07-03T09:00:00"
        )
        log = write_log(tmp_path / "renaming.csv", [of_june])
        done("accept", str(folder), "--as", "provider")
        version_two(
            folder,
            services=[("id: closed", "id: finished")],
            charges=[("moment: closed", "moment: finished")],
        )
        done("accept", str(folder), "--as", "provider")
        done("import", "renaming", str(log))
        refused = openbpo("invoice", "renaming", "--period", "2012-07")
        assert refused.status == 1
        assert "does not know the moment 'finished'" in refused.err


class TestAChargeWithAFilter:
    def test_counts_the_cases_that_it_takes(self, home: Path, tmp_path: Path) -> None:
        """30 standard and 12 project tickets closed; the filter leaves project out: 30 x 38.00."""
        edits = {
            "charges.yaml": [
                (
                    "count: {service: tickets, moment: closed}",
                    'count: {service: tickets, moment: closed, cases: service_level != "project"}',
                ),
                ("at_least: 1500.00 EUR", "at_least: 100.00 EUR"),
            ]
        }
        folder = agreement_at(tmp_path / "filtered", edits)
        at = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-08T09:00:00")
        tickets: list[Ticket] = [ticket("standard", *at)] * 30 + [ticket("project", *at)] * 12
        done("accept", str(folder), "--as", "provider")
        done("import", "filtered", str(write_log(tmp_path / "filtered.csv", tickets)))
        invoice = done("invoice", "filtered", "--period", "2012-05", "--json").json
        assert [line["quantity"] for line in invoice["lines"]] == [30]
        assert invoice["fees"] == "1140.00"


class TestAKey:
    def test_of_one_party_does_not_sign_for_the_other(self, home: Path, tmp_path: Path) -> None:
        parties = [
            ("id: officina-software", "id: key-client"),
            ("id: banco-servizi", "id: key-provider"),
        ]
        folder = agreement_at(tmp_path / "keys-desk", {"parties.yaml": parties})
        done("accept", str(folder), "--as", "provider")
        keys = home / "keys"
        shutil.copy(keys / "key-provider.json", keys / "key-client.json")
        refused = openbpo("accept", str(folder), "--as", "client")
        assert refused.status == 1
        assert "This is the key of 'key-provider', not of 'key-client'" in refused.err
        stolen = (keys / "key-provider.json").read_text().replace("key-provider", "key-client")
        (keys / "key-client.json").write_text(stolen)
        refused = openbpo("accept", str(folder), "--as", "client")
        assert "has signed with this very key" in refused.err

    def test_that_a_side_did_not_sign_with_before_is_refused(
        self, home: Path, tmp_path: Path
    ) -> None:
        parties = {"parties.yaml": [("id: banco-servizi", "id: losing-provider")]}
        folder = agreement_at(tmp_path / "lost-key", parties)
        done("accept", str(folder), "--as", "provider")
        (home / "keys" / "losing-provider.json").unlink()
        version_two(folder, parties=parties["parties.yaml"])
        refused = openbpo("accept", str(folder), "--as", "provider")
        assert refused.status == 1
        assert "has signed with the key" in refused.err


class TestTermsThatLookAsIfTheyComputed:
    @pytest.mark.parametrize(
        ("name", "old", "new", "told"),
        [
            (
                "calendars.yaml",
                (
                    "  hours:\n    - {days: monday to friday, from: 08:30, to: 13:00}\n"
                    "    - {days: monday to friday, from: 14:00, to: 18:00}\n"
                ),
                "  hours: always\n",
                "has no free days",
            ),
            (
                "charges.yaml",
                "bases:\n",
                (
                    "  - {id: second, of: [tickets-closed], at_least: 100.00 EUR, per: month, "
                    "part_months: in_full}\nbases:\n"
                ),
                "counts towards 'monthly-minimum' already",
            ),
            ("charges.yaml", "rate: 22 %", "rate: 122 %", "122 % is more than all"),
        ],
    )
    def test_are_refused(self, tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
        folder = agreement_at(tmp_path / "looks", {name: [(old, new)]})
        with pytest.raises(Refusal, match=told):
            read_agreement(read_folder(folder))


def test_an_address_that_cannot_be_read_keeps_its_secret() -> None:
    bad = {"OPENBPO_DATABASE_URL": "postgresql://u:S3CRET%zz@localhost:1/db"}
    ran = openbpo("attain", "any", "--period", "2012-01", env=bad)
    assert ran.status == 1
    assert "S3CRET" not in ran.err + ran.out


class TestARenewedTerm:
    def test_leaves_later_months_computed(self, home: Path, tmp_path: Path) -> None:
        first = [
            (FROM_JULY[0], "in_force: {from: 2010-01-01, until: 2012-07-01}"),
            ("term: {from: 2010-01-01}", "term: {from: 2010-01-01, until: 2012-07-01}"),
        ]
        folder = agreement_at(tmp_path / "renewed", {"agreement.yaml": first})
        done("accept", str(folder), "--as", "provider")
        version_two(folder)
        done("accept", str(folder), "--as", "provider")
        late = ticket("standard", "2014-02-06T09:00:00", "2014-02-06T12:00:00")
        crossing = ticket("standard", "2012-06-06T09:00:00", "2014-02-06T12:00:00")
        done("import", "renewed", str(write_log(tmp_path / "renewed.csv", [late, crossing])))
        found = done("attain", "renewed", "--period", "2014-02", "--json").json
        standard = found["service_levels"][1]
        assert (standard["numerator"], standard["denominator"]) == (1, 2)


class TestAKilledImport:
    def test_is_not_resumed_under_another_version(self, home: Path, tmp_path: Path) -> None:
        folder = agreement_at(tmp_path / "resumed")
        log = tmp_path / "resumed.csv"
        done("accept", str(folder), "--as", "provider")
        done("sample", "helpdesk", str(log))
        killed = openbpo(
            "import", "resumed", str(log), env={"OPENBPO_FAILPOINT": "import.after_chunk"}
        )
        assert killed.status == -9
        version_two(folder)
        done("accept", str(folder), "--as", "provider")
        refused = openbpo("import", "resumed", str(log))
        assert refused.status == 1
        assert "begun under another version" in refused.err
        done("import", "resumed", "--abandon")
        assert done("import", "resumed", str(log), "--json").json["accepted"] == 5859


class TestALaterReadingOfOneSide:
    def test_moves_no_instant_of_an_agreed_month(self, home: Path, tmp_path: Path) -> None:
        """Closed on 1 February at 03:00 in Rome, which is still January in New York."""
        until = [(FROM_JULY[0], "in_force: {from: 2010-01-01, until: 2012-07-01}")]
        folder = agreement_at(tmp_path / "one-sided", {"agreement.yaml": until})
        done("accept", str(folder), "--as", "provider")
        done("accept", str(folder), "--as", "client")
        night = ticket(
            "standard", "2012-01-31T09:00:00", "2012-01-31T10:00:00", "2012-02-01T03:00:00"
        )
        done("import", "one-sided", str(write_log(tmp_path / "one-sided.csv", [night])))
        before = done("invoice", "one-sided", "--period", "2012-01..2012-02", "--json").out
        shutil.rmtree(folder)
        moved = [
            LATER, FROM_JULY, ("zone: Europe/Rome", "zone: America/New_York"),
            ("term: {from: 2010-01-01}", "term: {from: 2012-07-01}"),
        ]  # fmt: skip
        done("accept", str(agreement_at(folder, {"agreement.yaml": moved})), "--as", "provider")
        after = done("invoice", "one-sided", "--period", "2012-01..2012-02", "--json").out
        assert after == before
        quantities = [[line["quantity"] for line in m["lines"]] for m in json.loads(after)]
        assert quantities == [[None], [1, None]]
