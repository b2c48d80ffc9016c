"""A mapping that changes between versions: no row twice, and what was read wrongly is corrected."""

from pathlib import Path

import pytest
from tests.support import Ran, Ticket, agreement_at, done, openbpo, ticket, write_log

pytestmark = pytest.mark.slow


KEY = ("  case: {column: Case ID}\n", "  key: [Case ID, Activity]\n  case: {column: Case ID}\n")
ROME, UTC = ("    zone: Europe/Rome\n", "    zone: UTC\n")
TWO = ("version: 1\n", "version: 2\nsupersedes: [1]\n")


def tickets(number: int) -> list[Ticket]:
    return [
        ticket("standard", f"2012-03-{day:02} 09:00", f"2012-03-{day:02} 10:00")
        for day in range(1, number + 1)
    ]


def imported(name: str, log: Path) -> dict[str, int]:
    told = done("import", name, str(log), "--json").json
    return {key: told[key] for key in ("read", "accepted", "corrected", "already_known", "events")}


def next_version(folder: Path, name: str, old: str, new: str) -> Ran:
    mapping, frame = folder / name, folder / "agreement.yaml"
    text = mapping.read_text(encoding="utf-8")
    assert old in text
    mapping.write_text(text.replace(old, new), encoding="utf-8")
    terms = frame.read_text(encoding="utf-8")
    assert TWO[0] in terms
    frame.write_text(terms.replace(*TWO), encoding="utf-8")
    return done("accept", str(folder), "--as", "provider")


def test_one_that_was_wrong_corrects_the_rows_that_it_reads_otherwise_now(
    tmp_path: Path, home: Path, handle: str
) -> None:
    folder = agreement_at(tmp_path / handle, {"mapping.yaml": [KEY, (ROME, UTC)]})
    done("accept", str(folder), "--as", "provider")
    log = write_log(tmp_path / "log.csv", tickets(3))
    assert imported(handle, log)["accepted"] == 6
    next_version(folder, "mapping.yaml", UTC, ROME)
    again = imported(handle, log)
    assert (again["accepted"], again["corrected"], again["already_known"]) == (0, 6, 0)
    assert again["events"] == 6
    case = done("invoice", handle, "--period", "2012-03", "--explain", "resolve-standard", "--case",
                "Case 1").out  # fmt: skip
    assert "2012-03-01 09:00:00" in case
    assert "replayed, and equal" in done("replay", handle).out


def test_under_other_columns_the_file_is_refused_and_nothing_comes_in_twice(
    tmp_path: Path, home: Path, handle: str
) -> None:
    folder = agreement_at(tmp_path / handle)
    done("accept", str(folder), "--as", "provider")
    done("import", handle, str(write_log(tmp_path / "one.csv", tickets(3))))
    next_version(folder, "mapping.yaml", KEY[0], KEY[1])
    refused = openbpo("import", handle, str(write_log(tmp_path / "two.csv", tickets(4))))
    assert refused.status == 1
    assert "known again by other columns" in refused.err
    assert "an id of its own" in refused.err


def test_what_may_not_be_told_names_no_case_and_orders_nothing(tmp_path: Path) -> None:
    order = ("  same_instant: file_order\n", "  same_instant: {by_column: customer}\n")
    folder = agreement_at(tmp_path / "desk", {"mapping.yaml": [order]})
    refused = openbpo("check", str(folder))
    assert refused.status == 1
    assert "The column 'customer' is that of 'customer', which the record may not tell." in (
        refused.err
    )


def test_a_pack_of_a_month_that_adjusts_another_is_verified(
    tmp_path: Path, home: Path, handle: str
) -> None:
    folder = agreement_at(tmp_path / handle)
    for side in ("provider", "client"):
        done("accept", str(folder), "--as", side)
    march = [*tickets(5), ticket("standard", "2012-03-20 09:00", "2012-03-21 09:00")]
    done("import", handle, str(write_log(tmp_path / "march.csv", march[:5])))
    done("close", handle, "--period", "2012-03")
    april = [*march, ticket("standard", "2012-04-02 09:00", "2012-04-02 10:00", "2012-04-03 09:00")]
    done("import", handle, str(write_log(tmp_path / "april.csv", april)))
    closed = done("close", handle, "--period", "2012-04", "--json").json
    assert [one["period"] for one in closed["document"]["adjustments"]] == ["2012-03"]
    pack, keys = tmp_path / "april.pack", tmp_path / "keys.json"
    done("bundle", handle, "--periods", "2012-04", "--out", str(pack))
    keys.write_text(done("keys", "--seal").out, encoding="utf-8")
    assert done("verify", str(pack), "--key", str(keys), "--json").json["periods_recomputed"] == 2


def test_a_pack_takes_no_other_file_s_place(tmp_path: Path, home: Path, handle: str) -> None:
    folder = agreement_at(tmp_path / handle)
    done("accept", str(folder), "--as", "provider")
    precious = tmp_path / "precious.txt"
    precious.write_text("mine", encoding="utf-8")
    refused = openbpo("bundle", handle, "--out", str(precious))
    assert (refused.status, precious.read_text(encoding="utf-8")) == (1, "mine")
    assert "Something else than a pack has this name." in refused.err


def test_only_who_signed_the_agreement_countersigns(
    tmp_path: Path, home: Path, handle: str
) -> None:
    folder = agreement_at(tmp_path / handle)
    done("accept", str(folder), "--as", "provider")
    refused = openbpo("countersign", handle, "--as", "client")
    assert refused.status == 1
    assert "The client has signed no version of this agreement." in refused.err
    done("accept", str(folder), "--as", "client")
    done("countersign", handle, "--as", "client")
    assert "replayed, and equal" in done("replay", handle).out


def test_a_party_countersigns_with_the_key_that_it_signed_with(
    tmp_path: Path, home: Path, handle: str
) -> None:
    own = {"OPENBPO_HOME": str(tmp_path / "home")}
    folder = agreement_at(tmp_path / handle)
    try:
        for side in ("provider", "client"):
            assert openbpo("accept", str(folder), "--as", side, env=own).status == 0
        key = tmp_path / "home" / "keys" / "officina-software.json"
        assert key.exists(), sorted(key.parent.iterdir())
        key.rename(tmp_path / "elsewhere.json")
        refused = openbpo("countersign", handle, "--as", "client", env=own)
        assert refused.status == 1
        assert "The client has signed with another key here" in refused.err
        (tmp_path / "elsewhere.json").replace(key)
        assert openbpo("countersign", handle, "--as", "client", env=own).status == 0
        assert openbpo("replay", handle, env=own).status == 0
    finally:
        openbpo("down", env=own)
