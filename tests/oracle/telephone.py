"""
What the telephone contract comes to, month by month, computed as slowly and plainly as possible.

Each block below quotes the contract lines it obeys, so that a reader can check one against the
other. Nothing is imported from the product: if both agree, they agree about the contract.

    python -m tests.oracle.telephone FILE PERIOD
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TypedDict

# 2.10 EUR a call answered; below 60 % credit 5 % of the month's fees, below 55 % 10 %.
# No tax, no minimum.
PRICE_CENTS = 2_10
MET_SHARE = Fraction(60, 100)
FIRST_DEFAULT_SHARE = Fraction(55, 100)
FIRST_DEFAULT_RATE = Fraction(5, 100)
SECOND_DEFAULT_RATE = Fraction(10, 100)

# Within, and short abandon: at most 20 s.
AT_MOST_S = 20

# 0:00:00 in `q_start` and `q_exit` means that it did not queue.
DID_NOT_QUEUE = ("0:00:00", "0:00:00")


class Month(TypedDict):
    """One month; a share has six decimals and a mean four, None where there is no call."""

    offered: int
    answered: int
    abandoned: int
    left_ivr: int
    rejected_rows: int
    formulas: dict[str, str | None]
    asa_s: str | None
    aht_s: str | None
    abandonment: str | None
    credits: dict[str, str]


def read(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a file of calls, gzipped or not; cells are parted by tabs."""
    data = Path(path).read_bytes()
    if Path(path).suffix == ".gz":
        data = gzip.decompress(data)
    return list(csv.DictReader(data.decode("utf-8").splitlines(), delimiter="\t"))


def is_whole(row: Mapping[str, str]) -> bool:
    """Tell whether a row has every column and no more: one with a missing column is refused."""
    return None not in row and None not in row.values()


def month_of(row: Mapping[str, str]) -> str:
    """Return the month of a call's `date`, year, month and day of two digits each, as 1999-01."""
    century = "19" if row["date"] >= "69" else "20"
    return f"{century}{row['date'][:2]}-{row['date'][2:4]}"


def queued(row: Mapping[str, str]) -> bool:
    """Tell whether a call came as far as the queue."""
    return (row["q_start"], row["q_exit"]) != DID_NOT_QUEUE


def month(rows: Iterable[Mapping[str, str]], period: str) -> Month:
    """Return what the calls of a month come to."""
    # The key of a call is vru+line, call_id, date: what comes again with it corrects it.
    whole = [row for row in rows if is_whole(row)]
    rejected = sum(1 for row in rows if not is_whole(row))
    by_key = {(row["vru+line"], row["call_id"], row["date"]): row for row in whole}
    # A call belongs to the month of its `date`. PHANTOM rows are left out by the measures.
    calls = [
        row for row in by_key.values() if month_of(row) == period and row["outcome"] != "PHANTOM"
    ]
    # Every AGENT row is offered and answered, also with 0 s of service.
    answered = [row for row in calls if row["outcome"] == "AGENT"]
    hung_up = [row for row in calls if row["outcome"] == "HANG"]
    # A HANG that did not queue left the IVR and was not offered.
    abandoned = [row for row in hung_up if queued(row)]
    left_ivr = [row for row in hung_up if not queued(row)]
    offered = answered + abandoned
    # `q_time` is the wait.
    within = [row for row in answered if int(row["q_time"]) <= AT_MOST_S]
    short = [row for row in abandoned if int(row["q_time"]) <= AT_MOST_S]
    # a within / offered; b within / answered; c within / (offered - short abandons);
    # d (within + short abandons) / offered.
    shares = {
        "a": divided(len(within), len(offered)),
        "b": divided(len(within), len(answered)),
        "c": divided(len(within), len(offered) - len(short)),
        "d": divided(len(within) + len(short), len(offered)),
    }
    # asa_s and aht_s: means over answered; service time.
    waited = sum(int(row["q_time"]) for row in answered)
    served = sum(int(row["ser_time"]) for row in answered)
    return {
        "offered": len(offered),
        "answered": len(answered),
        "abandoned": len(abandoned),
        "left_ivr": len(left_ivr),
        "rejected_rows": rejected,
        "formulas": {name: decimals(share, 6) for name, share in shares.items()},
        "asa_s": decimals(divided(waited, len(answered)), 4),
        "aht_s": decimals(divided(served, len(answered)), 4),
        "abandonment": decimals(divided(len(abandoned), len(offered)), 6),
        "credits": {name: credit(share, len(answered)) for name, share in shares.items()},
    }


def divided(number: int, of: int) -> Fraction | None:
    """Return a share or a mean, None where there is nothing to divide by."""
    return Fraction(number, of) if of else None


def credit(share: Fraction | None, answered: int) -> str:
    """Return the month's credit if this share is the one that the contract means."""
    rate = Fraction(0)
    if share is not None and share < FIRST_DEFAULT_SHARE:
        rate = SECOND_DEFAULT_RATE
    elif share is not None and share < MET_SHARE:
        rate = FIRST_DEFAULT_RATE
    text = decimals(answered * PRICE_CENTS * rate / 100, 2)
    assert text is not None
    return text


def decimals(value: Fraction | None, places: int) -> str | None:
    """Return a positive value with so many decimals; exactly half of the last one goes up."""
    if value is None:
        return None
    units = int(value * 10**places + Fraction(1, 2))
    return f"{units // 10**places}.{units % 10**places:0{places}d}"


def main(arguments: list[str]) -> None:
    """Print a month of a file as JSON."""
    print(json.dumps(month(read(arguments[0]), arguments[1]), indent=1))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
