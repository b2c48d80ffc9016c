"""
Sealing an engagement: what was entered becomes part of its tree, under a signed root.

It reads only what stands below the oldest transaction that is still under way, so that nothing can
appear later before what is sealed. A kill leaves a checkpoint or none; the next pass goes on. What
the witness could not be told, it is told with the next checkpoint, which covers it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openbpo.record.checkpoints import (
    Checkpoint,
    SignedNote,
    Tree,
    checked,
    origin_of,
    read_note,
    sealed,
)
from openbpo.record.lines import leaf_hash
from openbpo.record.sealing import store
from openbpo.record.sealing.store import Sealed
from openbpo.record.tree import HASH_BYTES, Frontier
from openbpo.record.witness import Contradicted, Unreachable, Witness
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.trust.seals import seal_keys
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

TREES: Final[tuple[Tree, Tree]] = ("record", "access")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass over an engagement sealed: leaves by tree, and its latest record checkpoint."""

    leaves: int
    record: Sealed | None


def seal(
    sealer: Database,
    context: Context,
    engagement_id: EngagementId,
    *,
    witness: Witness | None = None,
    tell: Tell = lambda _note: None,
) -> Pass:
    """
    Seal what an engagement's trees have grown by.

    Raises Refusal where the last checkpoint, or what was entered since, is not what was written, or
    the witness holds another history.
    """
    acting = context.within(engagement_id)
    grown = 0
    for tree in TREES:
        with sealer.transaction(acting) as tx:
            store.lock_sealing(tx, engagement_id)
            before = store.last_sealed(tx, engagement_id, tree)
            if witness is not None:
                _compare(tx, engagement_id, tree, before, witness)
            below = store.horizon(tx)
            new = _grown(tx, engagement_id, tree, before, below)
            if new is not None:
                store.add_sealed(tx, engagement_id, tree, new)
                failpoint("seal.before_commit")
            if tree == TREES[-1]:
                store.forget_sealed(tx, below)
        failpoint("seal.after_commit")
        latest = new or before
        grown += (new.size if new else 0) - (before.size if before and new else 0)
        if witness is not None and latest is not None:
            _publish(witness, tree, read_note(latest.note), tell)
        failpoint("seal.after_witness")
    with sealer.transaction(acting) as tx:
        return Pass(grown, store.last_sealed(tx, engagement_id, "record"))


def waiting(sealer: Database, context: Context) -> list[EngagementId]:
    """Return the engagements that have something to seal."""
    with sealer.transaction(context) as tx:
        return store.unsealed_engagements(tx)


def _grown(
    tx: Transaction,
    engagement_id: EngagementId,
    tree: Tree,
    before: Sealed | None,
    below: store.Horizon,
) -> Sealed | None:
    """Return the tree with all that was entered since, signed; None if nothing was."""
    frontier = _frontier(before, engagement_id, tree)
    after = before.last_number if before else 0
    number = after
    for line in store.lines_to_seal(tx, engagement_id, tree, after, below):
        number += 1
        whole = line.number == number and line.first_sequence in (None, frontier.size)
        if line.recording is not None and line.events:
            for leaves in store.leaves_of(tx, engagement_id, line.recording, line.events):
                frontier.extend(leaves)
        if line.first_sequence is not None:
            whole = whole and frontier.size == line.first_sequence + line.events
        if not whole or leaf_hash(line.told.encode()) != bytes(line.leaf):
            raise _changed(tree, f"entry {line.number}", "is not what was entered")
        frontier.append(bytes(line.leaf))
    if number == after:
        return None
    at = below.now if before is None else max(below.now, before.sealed_at)
    checkpoint = Checkpoint(
        origin=origin_of(engagement_id, tree), size=frontier.size, root=frontier.root(), at=at
    )
    note = sealed(checkpoint, seal_keys(at=at).current)
    return Sealed(
        size=frontier.size,
        root=checkpoint.root,
        subtrees=bytes.fromhex("".join(frontier.to_hex())),
        last_number=number,
        note=str(note),
        sealed_at=at,
    )


def _frontier(before: Sealed | None, engagement_id: EngagementId, tree: Tree) -> Frontier:
    if before is None:
        return Frontier()
    subtrees = bytes(before.subtrees)
    try:
        note = read_note(before.note)
        told = note.checkpoint
        frontier = Frontier(
            before.size,
            [subtrees[at : at + HASH_BYTES] for at in range(0, len(subtrees), HASH_BYTES)],
        )
        is_whole = (told.origin, told.size, told.root) == (
            origin_of(engagement_id, tree),
            before.size,
            frontier.root(),
        )
        is_whole = is_whole and checked(note, seal_keys(at=before.sealed_at).ring).holds
    except ValueError:
        is_whole = False
    if not is_whole or bytes(before.root) != frontier.root():
        raise _changed(tree, f"the checkpoint of {before.size:,} leaves", "is not what was sealed")
    return frontier


def _compare(
    tx: Transaction,
    engagement_id: EngagementId,
    tree: Tree,
    before: Sealed | None,
    witness: Witness,
) -> None:
    """Raise Refusal where the witness knows a history that ours does not go on from."""
    theirs = witness.latest(origin_of(engagement_id, tree))
    if theirs is None or isinstance(theirs, Unreachable):
        return
    known = theirs.checkpoint
    ours = store.sealed_at_size(tx, engagement_id, tree, known.size)
    if before is None or before.size < known.size:
        raise _forked(tree, f"it holds a tree of {known.size:,} leaves, and ours is smaller")
    if ours is None or bytes(ours.root) != known.root:
        raise _forked(tree, f"at {known.size:,} leaves its root is another than ours")


def _publish(witness: Witness, tree: Tree, note: SignedNote, tell: Tell) -> None:
    answer = witness.publish(note)
    if isinstance(answer, Contradicted):
        raise _forked(tree, f"it holds another root for {note.checkpoint.size:,} leaves")
    if isinstance(answer, Unreachable):
        tell(f"The witness was not told ({answer.where}: {answer.why}); the next checkpoint tells.")


def _changed(tree: Tree, which: str, how: str) -> Refusal:
    return Refusal.of(
        f"{tree} tree",
        f"In the database {which} {how}: somebody changed it.",
        "Nothing is sealed on top of it. Put the database back from a backup, and find out who.",
    )


def _forked(tree: Tree, how: str) -> Refusal:
    return Refusal.of(
        f"{tree} tree",
        f"The witness knows another history: {how}.",
        "Put back the database that the witness saw. Its last checkpoint proves what stood there.",
    )
