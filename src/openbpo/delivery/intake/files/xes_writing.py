"""Refused events as XES: in their traces, each with its line and reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TextIO
from xml.sax.saxutils import quoteattr

from openbpo.delivery.intake.files.returned import LINE, REASON
from openbpo.delivery.intake.files.xes_rows import Node, XesEvent, XesFile
from openbpo.delivery.intake.model import RawRow

TAB = "\t"
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XesRejects:
    """A log with what stood before the source's traces, and the traces that hold the events."""

    def __init__(self, text: TextIO, source: XesFile) -> None:
        self._text = text
        self._trace: int | None = None
        text.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        text.write('<log xes.version="1849.2016" xmlns="http://www.xes-standard.org/">\n')
        _write(text, source.head, "\t")

    def add(self, row: RawRow, reason: str) -> None:
        """Write an event; its trace is begun where the one before was of another."""
        raw = row.raw
        assert isinstance(raw, XesEvent)
        if raw.trace != self._trace:
            self._end_trace()
            self._trace = raw.trace
            if raw.trace:
                self._text.write("\t<trace>\n")
                _write(self._text, raw.trace_nodes, "\t\t")
        self._text.write("\t\t<event>\n")
        ours: tuple[Node, ...] = (
            (0, "int", {"key": LINE, "value": str(row.line)}),
            (0, "string", {"key": REASON, "value": _NO_XML.sub("\ufffd", reason)}),
        )
        _write(self._text, (*ours, *raw.nodes), "\t\t\t")
        self._text.write("\t\t</event>\n")

    def finish(self) -> None:
        """End the log."""
        self._end_trace()
        self._text.write("</log>\n")
        self._text.flush()

    def discard(self) -> None:
        """Leave it as it is."""

    def _end_trace(self) -> None:
        if self._trace:
            self._text.write("\t</trace>\n")
        self._trace = None


def _write(text: TextIO, nodes: Sequence[Node], indent: str) -> None:
    """Write elements that are told in a row, each with its depth, as they are nested."""
    open_tags: list[str] = []
    for place, (depth, tag, attributes) in enumerate(nodes):
        while len(open_tags) > depth:
            _end(text, open_tags, indent)
        told = "".join(f" {k}={quoteattr(v)}" for k, v in attributes.items() if ":" not in k)
        holds = place + 1 < len(nodes) and nodes[place + 1][0] > depth
        text.write(f"{indent}{TAB * depth}<{tag}{told}{'>' if holds else '/>'}\n")
        if holds:
            open_tags.append(tag)
    while open_tags:
        _end(text, open_tags, indent)


def _end(text: TextIO, open_tags: list[str], indent: str) -> None:
    tag = open_tags.pop()
    text.write(f"{indent}{TAB * len(open_tags)}</{tag}>\n")
