"""
JSON lines: one object a line, its columns by dotted path, its numbers as they are written.

A line that is no object, or names one key twice, is a fault of that row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from openbpo.delivery.intake.files.content import Content, encoding_of, text_blocks
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.returned import LINE, REASON, TEXT
from openbpo.delivery.intake.model import Fault, RawRow
from openbpo.values.refusals import Refusal

RETURNED = f'{{"{LINE}"'
_OURS = re.compile(rf'\{{"{LINE}"\s*:\s*[0-9]+\s*,\s*"{REASON}"\s*:\s*(?=")')
_NEXT = re.compile(r"\s*,?\s*")
_ABSENT = object()


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class JsonLinesFile:
    """A file of JSON lines: the columns that were asked for, its rows."""

    def __init__(self, content: Content, form: FileFormat, columns: Sequence[str]) -> None:
        self.name = content.name
        self.encoding = encoding_of(content, form.encoding)
        self.header: Sequence[str] = list(dict.fromkeys(columns))
        self._content = content
        self._record = form.record
        self._refuse_array()

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, unpacked, once all rows were read."""
        return self._content.fingerprint

    def changed(self) -> bool:
        """Return whether the file is no longer the one that was opened."""
        return self._content.changed()

    def rows(self) -> Iterator[RawRow]:
        """Yield a row for each line that is not blank; raises Refusal where it cannot be read."""
        find = [_finder(column) for column in self.header]
        record = _finder(self._record) if self._record else None
        decode, new, kind = _DECODER.decode, tuple.__new__, RawRow
        for line, text in self._lines():
            if text.startswith(RETURNED):
                text = as_sent(text)  # noqa: PLW2901
            try:
                told = decode(text)
                if record is not None and type(told) is dict:
                    told = record(told)
                if type(told) is not dict:
                    raise ValueError("it is not an object")  # noqa: TRY301
                cells = [_text(f(told)) for f in find]
                if "\\u" in text:
                    _refuse_unusable(cells)
            except (ValueError, RecursionError) as fault:
                yield RawRow(line, (), text, _not_json(fault))
                continue
            yield new(kind, (line, cells, text, None))

    def objects(self) -> Iterator[dict[str, Any]]:
        """Yield each line's object as far as it can be read: to look what there is."""
        for _, text in self._lines():
            try:
                told = _DECODER.decode(text)
            except (ValueError, RecursionError):
                continue
            if type(told) is dict:
                yield told

    def _lines(self) -> Iterator[tuple[int, str]]:
        first = 1
        for block in text_blocks(self._content, self.encoding):
            texts = block.split("\n")
            for line, text in enumerate(texts, start=first):
                if text and not text.isspace():
                    yield line, text
            first += len(texts) - 1

    def _refuse_array(self) -> None:
        if next(iter(self._lines()), (0, ""))[1].lstrip()[:1] == "[":
            what = "This is one JSON array, not a line of JSON for each row."
            remedy = "Write each of its objects on a line of its own: jq -c '.[]' FILE."
            raise Refusal.of(self.name, what, remedy)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} stands twice")
    return told


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_no_number
)


def _finder(column: str) -> Callable[[dict[str, Any]], Any]:
    """Return what finds a column in an object: by the key of that name, else by the dotted path."""
    path = column.split(".")
    if len(path) == 1:
        return lambda told: told.get(column)

    def find(told: dict[str, Any]) -> Any:
        found: Any = told.get(column, _ABSENT)
        if found is not _ABSENT:
            return found
        found = told
        for key in path:
            if type(found) is not dict:
                return None
            found = found.get(key)
        return found

    return find


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        return ""
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) is _Number else _written(value)


def _written(value: Any) -> str:
    """Return an array or object as JSON text, its numbers as they were written."""
    if type(value) is dict:
        told = (f"{json.dumps(k, ensure_ascii=False)}:{_written(v)}" for k, v in value.items())
        return f"{{{','.join(told)}}}"
    if type(value) is list:
        return f"[{','.join(map(_written, value))}]"
    return str(value) if type(value) is _Number else json.dumps(value, ensure_ascii=False)


def _refuse_unusable(cells: Sequence[str]) -> None:
    for cell in cells:
        if "\0" in cell:
            raise ValueError("a value holds a NUL character")
        cell.encode()  # half of a surrogate pair is no text


def _not_json(fault: Exception) -> Fault:
    said = "it is nested too deep" if isinstance(fault, RecursionError) else str(fault)
    return Fault(f"The line cannot be read as a JSON object: {said[:200]}.", "Correct the line.")


def as_sent(text: str) -> str:
    """Return a line of a reject file as it stood in the file that it was refused of."""
    ours = _OURS.match(text)
    if ours is None:
        return text
    try:
        _, end = _DECODER.raw_decode(text, ours.end())
        rest = "{" + text[_match_end(text, end) :]
        told = _DECODER.decode(rest)
    except (ValueError, RecursionError):
        return text
    return str(told[TEXT]) if type(told) is dict and list(told) == [TEXT] else rest


def _match_end(text: str, start: int) -> int:
    found = _NEXT.match(text, start)
    return found.end() if found else start


def with_reason(text: str, line: int, reason: str) -> str:
    """Return a line with its line and reason, its own text unchanged; `as_sent` undoes it."""
    text = text.strip()
    ours = f'{{"{LINE}":{line},"{REASON}":{json.dumps(reason, ensure_ascii=False)}'
    try:
        told = _DECODER.decode(text)
    except (ValueError, RecursionError):
        told = None
    if type(told) is not dict:
        return f'{ours},"{TEXT}":{json.dumps(text, ensure_ascii=False)}}}'
    rest = text[1:].lstrip()
    return f"{ours}{rest}" if rest.startswith("}") else f"{ours},{rest}"
