"""
Two engagements with a year each: what is promised, worked, closed, disputed, settled and billed.

Nothing here is made up but the events: every act is the one that a person would do, by the same
functions, as the person who does it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from openbpo.agreements.files import FILE_NAMES
from openbpo.agreements.model import Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions.actions import accept, open_engagement
from openbpo.billing.closing.actions import Closing, act_on
from openbpo.billing.closing.model import State
from openbpo.billing.closing.queries import acts, last_act
from openbpo.billing.disputes.actions import open_dispute, reply_to, settle
from openbpo.billing.disputes.model import Claim, ClaimedFormula, Deed, Reply
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.issuing.actions import issue, pay
from openbpo.delivery.intake.actions import import_file
from openbpo.record.sealing.actions import seal
from openbpo.storage.database import Context, Database
from openbpo.surfaces.demo.people import CLERK, MANAGER, OWNER, PEOPLE, Person
from openbpo.trust.engagements import granted
from openbpo.trust.keys import party_key
from openbpo.trust.roles.actions import grant_role
from openbpo.values.ids import EngagementId
from openbpo.values.periods import month_names

YEAR, SEED = 2025, 7
DESK, LINE = "demo-desk", "demo-line"
CORRECTED, LATE_DAYS = f"{YEAR}-03", ("26", "27", "28", "31")
REPORTED_UNTIL, AGREED_UNTIL, PAID_UNTIL = f"{YEAR}-10", f"{YEAR}-08", f"{YEAR}-07"
SETTLED, DISPUTED = f"{YEAR}-06", f"{YEAR}-09"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demonstration is set up, and as whom it is opened."""

    database: Database
    sealer: Database
    context: Context
    folder: Path
    tell: Tell

    def acting(self, person: Person) -> Context:
        """Return the context of a person."""
        return Context(person.principal, self.context.purpose)


def is_set_up(stage: Stage) -> bool:
    """Tell whether all of it was done: the last thing is the telephone's dispute."""
    with stage.database.transaction(stage.context) as tx:
        known = {one.handle: one.engagement_id for one in granted(tx)}
    return LINE in known and _is_disputed(stage, known[LINE])


def set_up(stage: Stage) -> None:
    """Set both engagements up; what a stopped run has done is not done again."""
    desk = _opened(stage, DESK, "helpdesk", {})
    line = _opened(stage, LINE, "telephone", {
        "measures.yaml": [("60 % are answered", "85 % are answered")],
        "regime.yaml": [
            ("at_least: 60 %, verdict", "at_least: 85 %, verdict"),
            ("at_least: 55 %, below: 60 %", "at_least: 80 %, below: 85 %"),
            ("below: 55 %", "below: 80 %"),
        ],
    })  # fmt: skip
    _work_the_desk(stage, desk)
    _work_the_line(stage, line)


def _opened(
    stage: Stage, handle: str, template: str, changes: Mapping[str, list[tuple[str, str]]]
) -> EngagementId:
    """Write an agreement's folder, have both parties sign it, and give everybody their roles."""
    folder = stage.folder / handle
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in FILE_NAMES:
        text = (resources.files("openbpo.lines") / template / "agreement" / name).read_text("utf-8")
        for old, new in changes.get(name, ()):
            assert old in text, (template, name, old)
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
        files[name] = text.encode()
    agreement = read_agreement(files)
    sides: tuple[Side, Side] = ("provider", "client")
    for side in sides:
        accept(
            stage.database, stage.context, handle=handle, files=files, side=side,
            key=party_key(agreement.party(side).handle),
        )  # fmt: skip
    engagement_id = open_engagement(stage.database, stage.context, handle)
    with stage.database.transaction(stage.context.within(engagement_id)) as tx:
        for person in PEOPLE:
            grant_role(
                tx, engagement_id, principal=person.principal, handle=handle, role=person.role
            )
    stage.tell(
        f"{handle}: {agreement.provider.name} for {agreement.client.name}, signed by both "
        f"({folder})."
    )
    return engagement_id


def _work_the_desk(stage: Stage, desk: EngagementId) -> None:
    """A year of tickets; some of March come to light when March is closed, and adjust April."""
    log = _sampled(stage, "helpdesk", "tickets")
    in_time, late = stage.folder / "tickets-in-time.csv", stage.folder / "tickets-late.csv"
    _split(log, in_time, late)
    _take_in(stage, desk, DESK, in_time)
    _report(stage, desk, _months(f"{YEAR}-01", CORRECTED))
    _take_in(stage, desk, DESK, late)
    _report(stage, desk, _months(f"{YEAR}-04", REPORTED_UNTIL))
    _settle(stage, desk)
    _agree_and_bill(stage, desk)
    stage.tell(
        f"{DESK}: {YEAR} to October reported; {SETTLED}'s credit disputed and settled; tickets of "
        f"{CORRECTED} that came late adjust April; November is above the cap of credits."
    )


def _settle(stage: Stage, desk: EngagementId) -> None:
    claim = Claim(
        period=SETTLED, line="credit", amount="-250.00",
        reason="Two tickets of the 24th were closed without an answer to the user.",
    )  # fmt: skip
    if _is_disputed(stage, desk):
        return
    found = open_dispute(stage.database, stage.acting(OWNER), desk, claim, "client")
    offer = Reply(did=Deed.OFFERED, amount="-220.00")
    reply_to(stage.database, stage.acting(MANAGER), desk, found.number, offer, "provider")
    settle(stage.database, stage.acting(OWNER), desk, found.number, "-220.00", "client")


def _work_the_line(stage: Stage, line: EngagementId) -> None:
    """A year of calls in which the four formulas lie on both sides of the target."""
    _take_in(stage, line, LINE, _sampled(stage, "telephone", "calls", variant="staffed"))
    _report(stage, line, _months(f"{YEAR}-01", REPORTED_UNTIL))
    _agree_and_bill(stage, line)
    claim = Claim(
        period=DISPUTED, line="credit", amount="-159.60",
        formula=ClaimedFormula("answered-in-time", "a"),
        reason="We count every call offered: who hangs up in 20 seconds was not answered either.",
    )  # fmt: skip
    if _is_disputed(stage, line):
        return
    found = open_dispute(stage.database, stage.acting(OWNER), line, claim, "client")
    refusal = Reply(
        did=Deed.REFUSED, formula=ClaimedFormula("answered-in-time", "d"),
        reason="Who hangs up within 20 seconds did not wait: it counts as within.",
    )  # fmt: skip
    reply_to(stage.database, stage.acting(MANAGER), line, found.number, refusal, "provider")
    stage.tell(
        f"{LINE}: {YEAR} to October reported; the credit of {DISPUTED} is disputed: the provider "
        "says 85.6 %, the client 77.0 %, the agreement's words 84.2 %."
    )


def _is_disputed(stage: Stage, engagement_id: EngagementId) -> bool:
    with stage.database.transaction(stage.context.within(engagement_id)) as tx:
        return bool(disputes_of(tx, engagement_id))


def _sampled(stage: Stage, template: str, name: str, **more: Any) -> Path:
    path = stage.folder / f"{name}-{YEAR}.csv"
    import_module(f"openbpo.lines.{template}.sample").write_sample(path, YEAR, SEED, **more)
    return path


def _split(log: Path, in_time: Path, late: Path) -> None:
    """Hold back each fifth row of March's last working days."""
    days = tuple(f"{YEAR}/03/{day}" for day in LATE_DAYS)
    with log.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    at = header.index("Complete Timestamp")
    held = {
        number
        for number, row in enumerate(rows)
        if row[at].startswith(days) and number % 5 == 0
    }  # fmt: skip
    _write(in_time, header, (row for number, row in enumerate(rows) if number not in held))
    _write(late, header, (row for number, row in enumerate(rows) if number in held))


def _write(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _take_in(stage: Stage, engagement_id: EngagementId, handle: str, path: Path) -> None:
    taken = import_file(
        stage.database, stage.context, engagement_id=engagement_id, handle=handle, path=path
    )
    stage.tell(f"{handle}: {taken.read:,} rows of {path.name} are in the record.")


def _months(first: str, last: str) -> tuple[str, ...]:
    return tuple(month_names(first, last))


def _report(stage: Stage, engagement_id: EngagementId, months: Iterable[str]) -> None:
    for month in months:
        _act(stage, engagement_id, Closing(month, State.REPORTED, "provider"), CLERK)


def _agree_and_bill(stage: Stage, engagement_id: EngagementId) -> None:
    for month in _months(f"{YEAR}-01", AGREED_UNTIL):
        _act(stage, engagement_id, Closing(month, State.AGREED, "client"), OWNER)
        billed = issue(stage.database, stage.acting(CLERK), engagement_id, month).issued
        if month <= PAID_UNTIL:
            pay(
                stage.database, stage.acting(CLERK), engagement_id, billed.number,
                amount=str(billed.total.amount),
                day=date.fromisoformat(billed.document["issue_date"]),
                reference=f"SCT {billed.number}",
            )  # fmt: skip


def _act(stage: Stage, engagement_id: EngagementId, closing: Closing, person: Person) -> None:
    """Bring a period to a state, unless it came so far before."""
    with stage.database.transaction(stage.context.within(engagement_id)) as tx:
        before = last_act(acts(tx, engagement_id), closing.period)
    if before is not None and before.state in {closing.state, State.AGREED}:
        return

    def sealed() -> Any:
        acting = Context(principal="openbpo:sealer", purpose="seal")
        return seal(stage.sealer, acting, engagement_id).record

    act_on(stage.database, stage.acting(person), engagement_id, closing, sealed)
