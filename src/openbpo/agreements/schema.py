"""
The published grammar: one JSON Schema a file, and what a broken rule of it is told as.

Two keywords are ours: `x-not-yet` marks what the grammar holds and this version does not compute,
so that it is refused by name and never ignored; `x-remedy` says what to write instead.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from openbpo.agreements.located import Located, Path
from openbpo.values.refusals import Mistake

NAMES = (
    "agreement", "parties", "calendars", "periods", "data", "services", "measures", "regime",
    "charges", "mapping",
)  # fmt: skip

_TYPES = {
    "object": "a mapping (`key: value`)", "array": "a list (`- item`)", "string": "text",
    "integer": "a whole number", "boolean": "true or false",
}  # fmt: skip

Told = Iterator[tuple[Path, str, str]]


def schema_text(name: str) -> str:
    """Return the schema of `name`.yaml, as published for editors."""
    folder = resources.files("openbpo.agreements") / "schemas"
    return (folder / f"{name}.json").read_text(encoding="utf-8")


def mistakes_of_form(name: str, located: Located) -> list[tuple[Path, Mistake]]:
    """Return every way in which a file breaks its schema: the part, and what is wrong with it."""
    found = []
    for error in _validator(name).iter_errors(located.value):
        for path, what, remedy in _tell(error):
            found.append((path, Mistake(located.where(path), what, remedy)))
    return found


@cache
def _validator(name: str) -> Validator:
    ours = {"x-not-yet": _not_yet, "x-not-yet-values": _not_yet_values, "pattern": _pattern}
    checking = validators.extend(Draft202012Validator, validators=ours)  # type: ignore[no-untyped-call]
    validator: Validator = checking(json.loads(schema_text(name)))
    return validator


def _schema_of(error: ValidationError) -> Mapping[str, Any]:
    """Return the part of the schema that was broken."""
    return error.schema if isinstance(error.schema, Mapping) else {}


def _not_yet(
    _validator: Validator, marked: object, _instance: object, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if marked:
        yield ValidationError("not yet")


def _not_yet_values(
    _validator: Validator, values: list[str], instance: object, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if instance in values:
        yield ValidationError("not yet")


def _pattern(
    _validator: Validator, pattern: str, instance: object, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`$` is the end of the text, as ECMA 262 has it; Python's lets a line break follow."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError("does not match")


def _tell(error: ValidationError) -> Told:
    path: Path = tuple(error.absolute_path)
    if error.validator == "anyOf" and (within := _closest_branch(error)):
        for inner in within:
            yield from _tell(inner)
        return
    teller = _TELLERS.get(str(error.validator), _tell_remedy)
    yield from teller(path, error)


def _closest_branch(error: ValidationError) -> list[ValidationError]:
    """Return the errors of the one alternative that has the value's type, if they lie within it."""
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    deep = [b for b in branches.values() if not any(e.validator in ("type", "const") for e in b)]
    same_level = [b for b in deep if any(e.absolute_path != error.absolute_path for e in b)]
    return same_level[0] if len(same_level) == 1 else []


def _tell_unknown_keys(path: Path, error: ValidationError) -> Told:
    properties = _schema_of(error).get("properties", {})
    computed = sorted(key for key, part in properties.items() if "x-not-yet" not in part)
    for key in sorted(set(_mapping(error.instance)) - set(properties)):
        remedy = did_you_mean(key, computed, "The keys are")
        yield (*path, key), f"The key {key!r} is unknown.", remedy


def _tell_missing_keys(path: Path, error: ValidationError) -> Told:
    for key in _listed(error.validator_value):
        if key not in _mapping(error.instance) and error.message.startswith(repr(key)):
            meaning = _schema_of(error)["properties"][key].get("description", "")
            yield path, f"The key {key!r} is missing.", f"Add `{key}:`. {meaning}".strip()


def _tell_type(path: Path, error: ValidationError) -> Told:
    wanted = _TYPES.get(str(error.validator_value), str(error.validator_value))
    bare = error.validator_value == "string" and "x-remedy" not in _schema_of(error)
    hint = "Put it in quotes." if bare and error.instance is not None else _remedy(error)
    yield path, f"{_named(path)} must be {wanted}, not {_shown(error.instance)}.", hint


def _tell_enum(path: Path, error: ValidationError) -> Told:
    allowed = [str(value) for value in _listed(error.validator_value)]
    what = f"{_named(path)} cannot be {_shown(error.instance)}."
    yield path, what, did_you_mean(str(error.instance), allowed, "It can be")


def _tell_not_yet(path: Path, _error: ValidationError) -> Told:
    what = f"{_named(path)} is part of the grammar, but this version does not compute it yet."
    yield path, what, "Leave it out; an agreement that needs it cannot be computed here."


def _tell_not_yet_value(path: Path, error: ValidationError) -> Told:
    now = [v for v in _schema_of(error)["enum"] if v not in _listed(error.validator_value)]
    what = f"{_named(path)}: {_shown(error.instance)} is part of the grammar, but not computed yet."
    yield path, what, f"This version computes: {', '.join(now)}."


def _tell_remedy(path: Path, error: ValidationError) -> Told:
    yield path, f"{_named(path)} cannot be {_shown(error.instance)}.", _remedy(error)


def _tell_count(path: Path, error: ValidationError) -> Told:
    limit = error.validator_value
    words = {
        "minItems": f"needs at least {limit} item(s)", "maxItems": f"takes at most {limit} item(s)",
        "uniqueItems": "names something twice", "minLength": "is empty",
        "minimum": f"is below {limit}", "maximum": f"is above {limit}", "minProperties": "is empty",
        "maxLength": f"is longer than {limit} characters",
        "maxProperties": f"takes only {limit} of its keys",
    }  # fmt: skip
    yield path, f"{_named(path)} {words[str(error.validator)]}.", _remedy(error)


_TELLERS = {
    "additionalProperties": _tell_unknown_keys,
    "required": _tell_missing_keys,
    "type": _tell_type,
    "enum": _tell_enum,
    "x-not-yet": _tell_not_yet,
    "x-not-yet-values": _tell_not_yet_value,
    **dict.fromkeys(
        ("minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "minimum",
         "maximum", "minProperties", "maxProperties"),
        _tell_count,
    ),
}  # fmt: skip


def _remedy(error: ValidationError) -> str:
    schema = _schema_of(error)
    return str(
        schema.get("x-remedy") or schema.get("description") or "See the schema of this file."
    )


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping), value
    return value


def _listed(value: object) -> list[Any]:
    assert isinstance(value, list), value
    return value


def _named(path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    return f"`{names[-1]}`" if names else "The file"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a remedy: the nearest known word, and all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    listed = f"{otherwise}: {', '.join(known)}." if known else ""
    return f"Did you mean {near[0]!r}? {listed}".strip() if near else listed
