"""The words of pages: gathered from templates and sources, kept and compiled by Babel."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tests.support import REPOSITORY

WEB = REPOSITORY / "src" / "openbpo" / "surfaces" / "web"
LOCALES = WEB / "locale"
LANGUAGES = ("es", "pt", "pl", "fil")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""Files say nothing of when they were made: they change when words do."""


def gather() -> Catalog:
    """Return every message of our templates and sources, with the files that say it."""
    found = new_catalog(None)
    for path in sorted(WEB.rglob("*")):
        if path.suffix not in (".py", ".html", ".txt") or "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        source = text if path.suffix == ".py" else as_python(text)
        for _line, message, _comments, context in extract(
            "python", io.BytesIO(source.encode()), KEYWORDS
        ):
            where = path.relative_to(REPOSITORY).as_posix()
            found.add(message, locations=[(where, 0)], context=context)
    return found


def as_python(template: str) -> str:
    """Return a template as calls that Babel's extractor for Python finds."""
    from django.utils.translation.template import templatize

    return templatize(template, origin="template")


def new_catalog(language: str | None) -> Catalog:
    """Return an empty catalogue whose head says nothing that changes by itself."""
    return Catalog(
        locale=language,
        project="OpenBPO",
        version="1",
        copyright_holder="the OpenBPO authors",
        charset="utf-8",
        fuzzy=False,
        creation_date=NEVER,
        revision_date=NEVER,
        last_translator="",
        language_team=language or "",
    )


def place(language: str) -> Path:
    """Return where a language's messages lie, without the ending."""
    return LOCALES / language / "LC_MESSAGES" / "django"


def kept(language: str) -> Catalog:
    """Return a language's messages as they are kept; none where there are none yet."""
    path = place(language).with_suffix(".po")
    if not path.exists():
        return new_catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def written(language: str, template: Catalog) -> Catalog:
    """Return the template's messages with the translations that are kept."""
    before, after = kept(language), new_catalog(language)
    for message in template:
        if not message.id:
            continue
        known = before.get(message.id, context=message.context)
        string = known.string if known is not None else None
        locations = sorted(set(message.locations))
        after.add(message.id, string, locations=locations, flags=message.flags,
                  context=message.context)  # fmt: skip
    return after


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as Django reads it."""
    held = io.BytesIO()
    write_mo(held, catalog)
    return held.getvalue()


def write_language(language: str, template: Catalog) -> int:
    """Write a language's files and return how many messages have no translation."""
    catalog = written(language, template)
    path = place(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".po").open("wb") as file:
        write_po(file, catalog, sort_output=True, include_lineno=False, width=96)
    path.with_suffix(".mo").write_bytes(compiled(kept(language)))
    return sum(not any(_strings(message.string)) for message in catalog if message.id)


def _strings(string: object) -> tuple[object, ...]:
    return string if isinstance(string, tuple) else (string,)
