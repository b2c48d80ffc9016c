"""What a statement answers without the record: its bridges, and what it would be: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openbpo.billing.statements.inputs import inputs_from
from openbpo.billing.statements.model import Inputs, Outcome, Statement
from openbpo.billing.statements.supposing import what_if
from openbpo.values.refusals import Refusal

Told = Mapping[str, Any]
Row = dict[str, Any]


def inputs(statement: Statement) -> Inputs:
    """Return what a statement's money is made of, for `what_if`."""
    return inputs_from(statement.told["inputs"])


def bridge_of(statement: Statement, figure: str) -> list[Row]:
    """
    Return the rows from which an amount of a statement follows, each with what it opens.

    `figure` is `line:KEY`, `fees`, `credit`, `net`, `tax`, `total` or `due`. What a row opens is
    another figure of these, or a list of cases as `cases_of` takes it. Raises Refusal for others.
    """
    told = statement.told
    if figure.startswith("line:"):
        for line in told["lines"]:
            if figure == f"line:{line['key']}":
                return _line(told, line)
    elif figure in _BRIDGES:
        return _BRIDGES[figure](told)
    lines = ", ".join(f"line:{line['key']}" for line in told["lines"])
    known = f"There are: {', '.join(_BRIDGES)}, {lines}."
    raise Refusal.of(figure, f"{statement.period} has no amount of this name.", known)


def _line(told: Told, line: Told) -> list[Row]:
    if line["opens"] is None:
        return _minimum(told, line)
    charge = next(one for one in told["charges"] if one["id"] == line["id"])
    rows = [{"row": row["row"], "cases": row["cases"], "why": row["why"], "opens": row["opens"]}
            for row in charge["bridge"]]  # fmt: skip
    units: Row = {
        "row": "units",
        "quantity": line["quantity"],
        "each": line["each"],
        "exact": line["exact"],
        "amount": line["amount"],
        "opens": line["opens"],
    }
    return [*rows, units]


def _minimum(told: Told, line: Told) -> list[Row]:
    minimum = next(one for one in told["minimums"] if one["id"] == line["id"])
    charged = [
        _amount("line", one["amount"], f"line:{one['key']}")
        for one in told["lines"]
        if one["id"] in minimum["of"]
    ]
    return [
        *charged,
        _amount("charged", minimum["charged"]),
        _amount("at least", minimum["at_least"]),
        _amount("made up", line["amount"]),
    ]


def _fees(told: Told) -> list[Row]:
    lines = [_amount("line", one["amount"], f"line:{one['key']}") for one in told["lines"]]
    return [*lines, _amount("fees", told["fees"])]


def _credit(told: Told) -> list[Row]:
    """From each measure's share to its level and rate, to the rate that holds, to the amount."""
    rows: list[Row] = [_measure(one) for one in told["measures"] if one["regime"] is not None]
    credit = told["credit"]
    if credit is None:
        return [*rows, _amount("credit", told["credits"])]
    base = [
        _amount("line", one["amount"], f"line:{one['key']}")
        for one in told["lines"]
        if one["id"] in credit["base_of"]
    ]
    return [
        *rows,
        {"row": "rates added", "rate": credit["rates_added"], "opens": None},
        {"row": "cap", "rate": credit["cap"], "is_reached": credit["is_capped"], "opens": None},
        *base,
        {"row": "base", "id": credit["base"], "amount": credit["of"], "opens": None},
        {
            "row": "credit",
            "rate": credit["rate"],
            "exact": credit["exact"],
            "amount": credit["amount"],
            "opens": None,
        },
    ]


def _measure(measure: Told) -> Row:
    figure = f"measure:{measure['id']}"
    kinds = (("numerator", Outcome.WITHIN), ("late", Outcome.LATE))
    level = measure["level"]
    return {
        "row": "measure",
        "measure": measure["id"],
        "numerator": measure["numerator"],
        "denominator": measure["denominator"],
        "share": measure["share"],
        "compared": measure["compared"],
        "level": None if level is None else measure["regime"]["levels"][level],
        "verdict": measure["verdict"],
        "rate": measure["credit_rate"],
        "opens": {name: {"figure": figure, "outcome": one.value, "why": None}
                  for name, one in kinds},
    }  # fmt: skip


def _net(told: Told) -> list[Row]:
    return [
        _amount("fees", told["fees"], "fees"),
        _amount("credit", told["credits"], "credit", sign=-1),
        _amount("net", told["net"]),
    ]


def _tax(told: Told) -> list[Row]:
    tax = told["tax_line"]
    if tax is None:
        return [_amount("tax", told["tax"])]
    line = {"row": "tax", "rate": tax["rate"], "exact": tax["exact"], "amount": tax["amount"]}
    return [_amount("net", tax["of"], "net"), {**line, "sign": 1, "opens": None}]


def _total(told: Told) -> list[Row]:
    return [
        _amount("net", told["net"], "net"),
        _amount("tax", told["tax"], "tax"),
        _amount("total", told["total"]),
    ]


def _due(told: Told) -> list[Row]:
    """Of an adjustment the cases that made it open by their keys."""
    adjusted: list[Row] = [
        {
            **_amount("adjustment", one["difference"]["total"]),
            "period": one["period"],
            "opens": {"cases": [r["case"] for r in one["reasons"] if "case" in r]},
        }
        for one in told["adjustments"]
    ]
    return [
        _amount("total", told["total"], "total"),
        *adjusted,
        _amount("due", told["due"]["total"]),
    ]


def _amount(row: str, amount: str, opens: str | None = None, *, sign: int = 1) -> Row:
    return {"row": row, "amount": amount, "sign": sign, "opens": opens}


_BRIDGES: Mapping[str, Callable[[Told], list[Row]]] = {
    "fees": _fees,
    "credit": _credit,
    "net": _net,
    "tax": _tax,
    "total": _total,
    "due": _due,
}

__all__ = ["bridge_of", "inputs", "what_if"]
