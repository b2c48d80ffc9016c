"""An engagement is of one client and one provider."""

from __future__ import annotations

from pathlib import Path

from tests.support import agreement_at, done, openbpo


def test_another_contract_under_the_same_name_is_refused(home: Path, tmp_path: Path) -> None:
    first = agreement_at(tmp_path / "a" / "shared-name")
    edits = {
        "parties.yaml": [("id: officina-software", "id: other-client")],
        "agreement.yaml": [("version: 1", "version: 2\nsupersedes: [1]")],
    }
    other = agreement_at(tmp_path / "b" / "shared-name", edits)
    done("accept", str(first), "--as", "provider")
    refused = openbpo("accept", str(other), "--as", "provider")
    assert refused.status == 1
    assert "This engagement is that of Officina Software S.p.A." in refused.err
    apart = done("accept", str(other), "--as", "provider", "--engagement", "another-name")
    assert "--engagement another-name" in apart.out


def test_every_output_says_whose_reading_it_is(home: Path, tmp_path: Path) -> None:
    folder = agreement_at(tmp_path / "whose-desk")
    log = tmp_path / "log.csv"
    done("accept", str(folder), "--as", "client")
    done("sample", "helpdesk", str(log))
    done("import", "whose-desk", str(log))
    told = done("attain", "whose-desk", "--period", "2025-11")
    assert "our reading: only the client has signed it" in told.out
    assert done("attain", "whose-desk", "--period", "2025-11", "--json").json["signed_by"] == [
        "client"
    ]
    early = done("invoice", "whose-desk", "--period", "2024-11")
    assert "The record begins on 2 January 2025, after 2024-11" in early.out
