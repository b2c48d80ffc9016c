"""openbpo new, check, propose, accept, keys: the agreement, from a folder to a signature."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from openbpo.agreements.files import FILE_NAMES, Files, read_folder
from openbpo.agreements.model import SIDES, Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.schema import NAMES, did_you_mean, schema_text
from openbpo.agreements.versions import actions
from openbpo.agreements.versions.model import Standing
from openbpo.agreements.words import days_text, in_words, listed
from openbpo.delivery.intake.actions import look_through
from openbpo.delivery.intake.model import refused_rows
from openbpo.storage.commands import Answer
from openbpo.surfaces.cli.printing import say, say_json, table
from openbpo.surfaces.cli.session import checked_principal, find_engagement, session
from openbpo.trust.engagements import grant as give
from openbpo.trust.keys import held_keys, party_key
from openbpo.trust.seals import rotate, seal_keys
from openbpo.values.refusals import Refusal

SCHEMA_FOLDER = ".schemas"

Folder = Annotated[
    Path, typer.Argument(help="The agreement's folder; its name is the engagement's.")
]
Engagement = Annotated[
    str | None,
    typer.Option("--engagement", help="The engagement, if it is not named as the folder is."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str, typer.Option("--as", help="Whose side you act for: provider or client.")]


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    template: Annotated[
        str, typer.Option("--from", help="The template: helpdesk or telephone.")
    ] = "helpdesk",
) -> None:
    """Make the folder of a new agreement from a template."""
    lines = resources.files("openbpo.lines")
    known = sorted(line.name for line in lines.iterdir() if (line / "agreement").is_dir())
    if template not in known:
        raise Refusal.of("--from", f"There is no template {template!r}.",
                         did_you_mean(template, known, "There are"))  # fmt: skip
    _engagement_name(folder)
    _make_folder(folder)
    for name in FILE_NAMES:
        content = (lines / template / "agreement" / name).read_bytes()
        (folder / name).write_bytes(content)
    for name in NAMES:
        (folder / SCHEMA_FOLDER / f"{name}.json").write_text(schema_text(name), encoding="utf-8")
    say(f"{folder}: {len(FILE_NAMES)} files of a {template} agreement, and the schemas by which an "
        "editor completes and checks them.")  # fmt: skip
    say(f"Change its terms, then: openbpo check {quote(str(folder))}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise Refusal.of(
            str(folder), "It exists already.", "Name a folder that does not exist yet."
        ) from error
    except OSError as error:
        raise Refusal.of(
            str(folder), f"It cannot be made: {error.strerror}.", "Name another place."
        ) from error
    (folder / SCHEMA_FOLDER).mkdir()


def check(
    folder: Folder,
    file: Annotated[
        Path | None,
        typer.Option("--with", help="A file to look through by the agreement's mapping."),
    ] = None,
    mapping: Annotated[str | None, typer.Option("--mapping", help="By which mapping.")] = None,
    as_json: AsJson = False,
) -> None:
    """Name every mistake in an agreement by file and line; if sound, read it back in words."""
    agreement = read_agreement(read_folder(folder))
    looked = look_through(file, agreement, mapping_id=mapping) if file else None
    if file and looked and looked.refused:
        raise refused_rows(file.name, looked.refused, looked.faults)
    if as_json:
        rows = {"rows": looked.rows} if looked else {}
        say_json({"sound": True, "title": agreement.title, "version": agreement.version, **rows})
    elif looked:
        say(f"{file}: all {looked.rows:,} rows can be imported by this agreement.")
    else:
        say(in_words(agreement))
        say(f"{folder} is sound.")


def propose(
    folder: Folder, side: As, engagement: Engagement = None, as_json: AsJson = False
) -> None:
    """Put a version on the table for the other side; nobody has signed it yet."""
    files, name = read_folder(folder), _engagement(engagement, folder)
    with session("propose") as current:
        answer = actions.propose(
            current.database, current.context,
            handle=name, files=files, side=_side(side),
        )  # fmt: skip
    if as_json:
        say_json({"engagement": name, **answer})
        return
    say(f"{name}: version {answer['version']} is proposed by the {side}.")
    say(f"Its content hash is {answer['content_hash']}.")
    say(f"It computes nothing before a side has signed it: openbpo accept {folder} --as {side}")


def accept(
    folder: Folder, side: As, engagement: Engagement = None, as_json: AsJson = False
) -> None:
    """Sign a version with a party's key. With both signatures it is agreed; one lets it compute."""
    files, name = read_folder(folder), _engagement(engagement, folder)
    party = read_agreement(files).party(_side(side))
    with session("accept") as current:
        answer = actions.accept(
            current.database, current.context,
            handle=name, files=files, side=_side(side),
            key=party_key(party.handle),
        )  # fmt: skip
    if as_json:
        say_json({"engagement": name, **answer})
    else:
        _say_accepted(folder, name, files, f"{party.name} as the {side}", answer)


def _say_accepted(folder: Path, name: str, files: Files, party: str, answer: Answer) -> None:
    agreement = read_agreement(files)
    standing = Standing(answer["standing"])
    say(f"{name}: version {answer['version']} is signed: {party}.")
    say(f"Its content hash is {answer['content_hash']}.")
    if standing is Standing.AGREED:
        say(f"Both parties have signed: it is agreed, in force {days_text(agreement.in_force)}.")
        return
    waiting = listed(other for other in SIDES if other not in answer["signed_by"])
    if answer["prevailing"]:
        numbers = listed(str(number) for number in answer["prevailing"])
        say(f"It waits for the {waiting}: until both have signed, version {numbers}, which both "
            "have signed, goes on governing its days.")  # fmt: skip
    else:
        say(f"It computes as our reading, in force {days_text(agreement.in_force)}; the {waiting} "
            "has not signed.")  # fmt: skip
    named = "" if name == folder.name else f" --engagement {quote(name)}"
    say(f"For the {waiting}: openbpo accept {quote(str(folder))} --as {waiting}{named}")


def grant(
    engagement: Annotated[str, typer.Argument(help="The engagement.")],
    principal: Annotated[str, typer.Option("--to", help="Who may work in it (OPENBPO_PRINCIPAL).")],
) -> None:
    """Let another principal of this database work in an engagement that you work in."""
    with session("grant") as current:
        engagement_id = find_engagement(current, engagement)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            give(tx, engagement_id, principal=checked_principal(principal), handle=engagement)
    say(f"{principal} may work in {engagement} now.")


def keys(
    seal: Annotated[
        bool, typer.Option("--seal", help="Print the keys that seal here, for `verify --key`.")
    ] = False,
    rotate_seal: Annotated[
        bool, typer.Option("--rotate-seal", help="Let a new key seal from now on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the parties that have signed on this machine, with the public halves of their keys."""
    if seal or rotate_seal:
        with session("read keys") as current, current.database.transaction(current.context) as tx:
            sealing = rotate(at=tx.at) if rotate_seal else seal_keys(at=tx.at)
        say(sealing.public_history().rstrip())
        return
    held = list(held_keys())
    if as_json:
        say_json([{"party": key.handle, "key_id": key.public.key_id, "algorithm": "Ed25519",
                   "public_key": key.public.raw.hex()} for key in held])  # fmt: skip
    elif not held:
        say("No party has signed on this machine yet. A party's key is made when it first accepts.")
    else:
        rows = [(key.handle, key.public.key_id, key.public.raw.hex()) for key in held]
        for line in table(("Party", "Key", "Public key (Ed25519)"), rows):
            say(line)


def _engagement(named: str | None, folder: Path) -> str:
    """Return the engagement that is meant: named, or as the folder is."""
    if named is None:
        return _engagement_name(folder)
    if not named or not named.isprintable() or "|" in named or len(named) > 200:
        raise Refusal.of(
            "--engagement", "This cannot name an engagement.", "Write a plain, short name."
        )
    return named


def _engagement_name(folder: Path) -> str:
    name = folder.resolve().name if folder.name in ("", ".", "..") else folder.name
    if not name or "|" in name or not name.isprintable() or len(name) > 100 or "@" in name:
        raise Refusal.of(
            str(folder), f"{name!r} cannot name an engagement.", "Give the folder a plain name."
        )
    return name


def _side(side: str) -> Side:
    if side not in SIDES:
        raise Refusal.of("--as", f"{side!r} is no side.", "The sides are provider and client.")
    return "client" if side == "client" else "provider"


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (new, check, propose, accept, grant, keys):
        app.command()(command)
