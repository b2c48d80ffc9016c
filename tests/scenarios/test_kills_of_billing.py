"""A power cut in issuing, cancelling, paying and disputing: done once, or not at all."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.support import Ran, agreement_at, done, openbpo, ticket, write_log

from openbpo.storage import failpoints

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills_of_billing")]
MONTH = "2012-03"


class Office:
    """A desk whose month both sides have closed."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        made = agreement_at(folder / name)
        for side in ("provider", "client"):
            done("accept", str(made), "--as", side)
        tickets = [
            ticket("standard", f"2012-03-{day:02} 09:00", f"2012-03-{day:02} 10:00")
            for day in (5, 6, 7, 8, 9)
        ]
        write_log(folder / "log.csv", tickets)
        done("import", name, str(folder / "log.csv"))
        done("close", name, "--period", MONTH)

    def dies(self, at: str, *arguments: str) -> None:
        ran = openbpo(*arguments, env={failpoints.VARIABLE: at})
        assert (ran.status, ran.err) == (-signal.SIGKILL, ""), (at, arguments, ran)

    def told(self, command: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = done(command, self.name, "--json").json
        return found

    def agreed(self) -> None:
        done("close", self.name, "--period", MONTH, "--state", "agreed", "--as", "client")

    def issue(self) -> Ran:
        return done("issue", self.name, "--period", MONTH, "--json")


@pytest.fixture
def office(home: Path, tmp_path: Path, handle: str) -> Office:
    del home
    return Office(tmp_path, handle)


@pytest.mark.parametrize(("at", "held"), [("issue.before_commit", 0), ("issue.after_commit", 1)])
def test_an_invoice_is_issued_once(office: Office, at: str, held: int) -> None:
    office.agreed()
    office.dies(at, "issue", office.name, "--period", MONTH)
    assert len(office.told("invoices")) == held
    again = office.issue().json
    assert again["new"] is (held == 0)
    [one] = office.told("invoices")
    assert one["number"] == again["document"]["number"]


@pytest.mark.parametrize(("at", "held"), [("pay.before_commit", 0), ("pay.after_commit", 1)])
def test_a_payment_is_recorded_once(office: Office, at: str, held: int) -> None:
    office.agreed()
    number = office.issue().json["document"]["number"]
    paying = ("pay", office.name, number, "--amount", "10.00", "--reference", "SCT 1")
    office.dies(at, *paying)
    assert len(office.told("invoices")[0]["payments"]) == held
    done(*paying)
    assert [one["amount"] for one in office.told("invoices")[0]["payments"]] == ["10.00"]


@pytest.mark.parametrize(("at", "held"), [("cancel.before_commit", 1), ("cancel.after_commit", 2)])
def test_an_invoice_is_cancelled_once(office: Office, at: str, held: int) -> None:
    office.agreed()
    number = office.issue().json["document"]["number"]
    cancelling = ("cancel", office.name, number, "--reason", "Wrong order.")
    office.dies(at, *cancelling)
    assert len(office.told("invoices")) == held
    done(*cancelling)
    assert len(office.told("invoices")) == 2


@pytest.mark.parametrize(
    ("at", "held"), [("dispute.before_commit", 0), ("dispute.after_commit", 1)]
)
def test_a_dispute_is_opened_and_answered_once(office: Office, at: str, held: int) -> None:
    opening = (
        "dispute", office.name, "--period", MONTH, "--line", "monthly-minimum/minimum",
        "--reason", "Too many.", "--amount", "1.00", "--as", "client",
    )  # fmt: skip
    office.dies(at, *opening)
    assert len(office.told("disputes")) == held
    ran = openbpo(*opening)
    assert ran.status == held, ran.err
    answering = ("answer", office.name, "1", "--refuse", "They were closed.", "--as", "provider")
    office.dies(at, *answering)
    assert len(office.told("disputes")[0]["acts"]) == 1 + held
    assert openbpo(*answering).status in (0, 1)
    [one] = office.told("disputes")
    assert (one["state"], len(one["acts"])) == ("refused", 2)
