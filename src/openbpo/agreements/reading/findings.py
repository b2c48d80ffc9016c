"""What was found wrong so far, so that reading can go on and every mistake is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any, TypeVar

from openbpo.agreements.located import Located, Path, read_located
from openbpo.agreements.schema import NAMES, did_you_mean, mistakes_of_form
from openbpo.values.expressions import Expression, ExpressionRefused, Type, compile_expression
from openbpo.values.refusals import Mistake
from openbpo.values.spans import Span

Value = TypeVar("Value")

_LISTED_IN = {
    "service": "services", "period": "periods", "calendar": "calendars", "measure": "measures",
    "charge base": "charges", "attribute": "data",
}  # fmt: skip
"""In which file the things of a kind are listed; while that cannot be read, none is missing."""


class Findings:
    """The located files of an agreement and all mistakes found in them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.mistakes: list[Mistake] = []
        self._located = {name: read_located(f"{name}.yaml", files[name]) for name in NAMES}
        self._broken: dict[str, list[Path]] = {name: [] for name in NAMES}
        for name, located in self._located.items():
            self._note_form(name, located)

    def _note_form(self, name: str, located: Located) -> None:
        self.mistakes.extend(located.mistakes)
        if located.value is None:
            if not located.mistakes:
                self.say(name, (), "The file says nothing.", "Write its content.")
            return
        for path, mistake in mistakes_of_form(name, located):
            self.mistakes.append(mistake)
            self._broken[name].append(path)

    def say(self, name: str, path: Path, what: str, remedy: str) -> None:
        """Note one mistake at a part of a file."""
        self.mistakes.append(Mistake(self._located[name].where(path), what, remedy))

    def value(self, name: str) -> Any:
        """Return a file's plain value, None where it could not be read."""
        return self._located[name].value

    def is_sound(self, name: str, path: Path = ()) -> bool:
        """Tell whether the grammar found nothing wrong at this part, above it or within it."""
        return self.value(name) is not None and not any(
            broken[: len(path)] == path or path[: len(broken)] == broken
            for broken in self._broken[name]
        )

    def section(self, name: str, key: str) -> Any:
        """Return a key's value in a file that is a mapping; None where it is absent or broken."""
        value = self.value(name)
        if not isinstance(value, dict) or key not in value or not self.is_sound(name, (key,)):
            return None
        return value[key]

    def entries(self, name: str, *at: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield the sound entries of a list of a file, refusing ids that stand twice."""
        seen: dict[str, Path] = {}
        for path, entry in self._all_entries(name, at):
            identity = entry.get("id", entry.get("measure"))
            if isinstance(identity, str) and identity in seen:
                first = self._located[name].where(seen[identity])
                what = f"{identity!r} stands a second time (first: {first})."
                self.say(name, path, what, "Give each its own name.")
            elif self.is_sound(name, path):
                seen[str(identity)] = path
                yield path, entry

    def ids(self, name: str, *at: str) -> set[str]:
        """Return the ids in a list of a file, also of entries that are otherwise wrong."""
        return {str(entry["id"]) for _, entry in self._all_entries(name, at) if "id" in entry}

    def _all_entries(self, name: str, at: tuple[str, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
        value = self.value(name)
        for key in at:
            value = value.get(key) if isinstance(value, dict) else None
        for number, entry in enumerate(value if isinstance(value, list) else ()):
            if isinstance(entry, dict):
                yield (*at, number), entry

    def known(self, name: str, path: Path, word: str, known: set[str], what: str) -> bool:
        """Note a name that does not exist; return whether it does."""
        if not known and not self.is_sound(_LISTED_IN.get(what, name)):
            return True
        if word not in known:
            remedy = did_you_mean(word, sorted(known), "There are")
            self.say(name, path, f"There is no {what} {word!r}.", remedy)
        return word in known

    def parse(
        self, name: str, path: Path, parser: Callable[[str], Value], text: str, remedy: str
    ) -> Value | None:
        """Return what `parser` makes of the text; note its ValueError as a mistake."""
        try:
            return parser(text)
        except ValueError as fault:
            sentence = str(fault).rstrip(".")
            end = "" if sentence.endswith("?") else "."
            self.say(name, path, f"{sentence[:1].upper()}{sentence[1:]}{end}", remedy)
            return None

    def day(self, name: str, path: Path, text: str) -> date | None:
        """Return a day written as 2012-02-29."""
        return self.parse(name, path, date.fromisoformat, text, "Write a day of the calendar.")

    def days(self, name: str, path: Path, span: dict[str, str]) -> Span[date] | None:
        """Return the days from `from` up to, not including, `until`."""
        start = self.day(name, (*path, "from"), span["from"])
        if span.get("until", "open") == "open":
            return Span(start, None) if start else None
        end = self.day(name, (*path, "until"), span["until"])
        if start is None or end is None:
            return None
        if end <= start:
            self.say(name, path, "It ends before it begins.", "`until` is the day after the last.")
            return None
        return Span(start, end)

    def expression(
        self,
        name: str,
        path: Path,
        text: str,
        names: Mapping[str, Type],
        groups: AbstractSet[str] = frozenset(),
    ) -> Expression | None:
        """Return a condition, compiled against the names that it may read, groups among them."""
        try:
            return compile_expression(text, names, groups=groups)
        except ExpressionRefused as fault:
            for problem in fault.problems:
                what = f"In `{shortened(text)}`, column {problem.column}: {problem.what}"
                self.say(name, path, what, problem.remedy)
            return None


def shortened(text: str) -> str:
    """Return a text as it is quoted in a sentence."""
    return text if len(text) <= 100 else f"{text[:99]}…"
