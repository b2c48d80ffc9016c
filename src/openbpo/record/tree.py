"""
The tree over the record's leaves: RFC 6962, section 2.1. Pure.

By hand, over five leaves: docs/algorithms/merkle-tree.md.

A leaf is the 32 bytes of its hash, SHA-256(0x00 || line). Many leaves are handed over as a sequence
of such, or as one bytes object of 32 bytes a leaf, which is the faster of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

_NODE = b"\x01"  # RFC 6962: leaves and nodes are hashed apart
_PAIR = Struct("64s")
_BLOCK = 2**14  # leaves hashed at a time: half a megabyte stays in a processor's cache

Leaves = Sequence[bytes] | bytes
"""Leaf hashes of 32 bytes, in their order."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children, 32 bytes."""
    return sha256(_NODE + left + right).digest()


def root_of(leaves: Leaves) -> bytes:
    """Return the root over all leaves, 32 bytes; that of none is SHA-256 of nothing."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


class Frontier:
    """
    What must be kept of a tree to grow it: its size, and the roots of its perfect subtrees.

    There is one such root for each bit that is set in the size, that of the largest subtree first:
    a tree of 5 leaves keeps the root over its first four and its fifth leaf.
    """

    __slots__ = ("_roots", "_size")

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        if size < 0 or len(roots) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves does not have {len(roots)} subtrees.")
        if any(len(root) != HASH_BYTES for root in roots):
            raise ValueError("The root of a subtree is 32 bytes.")
        self._size = size
        self._roots = list(roots)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add one leaf."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("A leaf is 32 bytes.")
        self._push(leaf, 1)

    def extend(self, leaves: Leaves) -> None:
        """Add leaves in their order, many at a time."""
        joined = _joined(leaves)
        at, count = 0, len(joined) // HASH_BYTES
        while at < count:
            width = _fitting(self._size, count - at)
            piece = joined[at * HASH_BYTES : (at + width) * HASH_BYTES]
            self._push(_perfect_root(piece), width)
            at += width

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._roots:
            return EMPTY_ROOT
        *larger, root = self._roots
        for left in reversed(larger):
            root = node_hash(left, root)
        return root

    def copy(self) -> Frontier:
        """Return a tree that grows by itself from here."""
        return Frontier(self._size, self._roots)

    def to_hex(self) -> list[str]:
        """Return the roots of the subtrees, to be kept beside the size."""
        return [root.hex() for root in self._roots]

    @classmethod
    def from_hex(cls, size: int, roots: Sequence[str]) -> Frontier:
        """Return what `to_hex` kept. Raises ValueError where the two do not belong together."""
        return cls(size, [bytes.fromhex(root) for root in roots])

    def _push(self, root: bytes, width: int) -> None:
        """Add a perfect subtree of `width` leaves, and join it with its equals to the left."""
        size, roots = self._size, self._roots
        assert size % width == 0, "a subtree begins at a multiple of its width"
        self._size = size + width
        while size & width:
            root = node_hash(roots.pop(), root)
            width *= 2
        roots.append(root)


def _joined(leaves: Leaves) -> bytes:
    if isinstance(leaves, bytes):
        if len(leaves) % HASH_BYTES:
            raise ValueError(f"{len(leaves)} bytes are no leaves of 32 bytes each.")
        return leaves
    if not set(map(len, leaves)) <= {HASH_BYTES}:
        raise ValueError("A leaf is 32 bytes.")
    return b"".join(leaves)


def _fitting(size: int, count: int) -> int:
    """Return the width of the largest block that may begin at `size` and is within `count`."""
    largest = min(_BLOCK, 1 << (count.bit_length() - 1))
    return min(largest, size & -size) if size else largest


def _perfect_root(level: bytes) -> bytes:
    """Return the root over 2**k hashes that stand one after another."""
    while len(level) > HASH_BYTES:
        pairs = _PAIR.iter_unpack(level)
        level = b"".join([sha256(_NODE + pair).digest() for (pair,) in pairs])
    return level


# Proofs: RFC 6962, sections 2.1.1 and 2.1.2. What is proved is checked without the other leaves.


def inclusion_proof(leaves: Leaves, index: int) -> list[bytes]:
    """Return the hashes that lead from leaf `index` (from 0) up to the root over `leaves`."""
    joined = _joined(leaves)
    start, end = 0, len(joined) // HASH_BYTES
    if not 0 <= index < end:
        raise ValueError(f"There is no leaf {index} among {end}.")
    proof = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_root_between(joined, middle, end))
            end = middle
        else:
            proof.append(_root_between(joined, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(leaves: Leaves, first: int) -> list[bytes]:
    """Return the hashes that show the tree of the `first` leaves to be how this one began."""
    joined = _joined(leaves)
    start, end = 0, len(joined) // HASH_BYTES
    if not 0 <= first <= end:
        raise ValueError(f"A tree of {end} leaves never had {first}.")
    if first in (0, end):
        return []
    proof = []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append(_root_between(joined, middle, end))
            end = middle
        else:
            proof.append(_root_between(joined, start, middle))
            start = middle
    if start:
        proof.append(_root_between(joined, start, end))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether `proof` shows `leaf` to be the one at `index` of the tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node % 2 or node == last:
            found = node_hash(sibling, found)
            node, last = _up_to_odd(node, last)
        else:
            found = node_hash(found, sibling)
        node, last = node // 2, last // 2
    return last == 0 and found == root


def verify_consistency(
    first: int, first_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether `proof` shows the tree of `first` leaves to be how that of `size` began."""
    if not 0 <= first <= size:
        return False
    if first == size:
        return not proof and first_root == root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    # A first tree that is perfect is itself a node of the second, and is left out of the proof.
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    return bool(path) and _climbs_to(first, first_root, size, root, path)


def _climbs_to(first: int, first_root: bytes, size: int, root: bytes, path: list[bytes]) -> bool:
    node, last = _up_to_even(first - 1, size - 1)
    of_first = of_second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            of_first, of_second = node_hash(sibling, of_first), node_hash(sibling, of_second)
            node, last = _up_to_odd(node, last)
        else:
            of_second = node_hash(of_second, sibling)
        node, last = node // 2, last // 2
    return last == 0 and of_first == first_root and of_second == root


def _up_to_odd(node: int, last: int) -> tuple[int, int]:
    """Climb over the levels on which the rightmost node has no sibling."""
    while node and node % 2 == 0:
        node, last = node // 2, last // 2
    return node, last


def _up_to_even(node: int, last: int) -> tuple[int, int]:
    while node % 2:
        node, last = node // 2, last // 2
    return node, last


def _split(count: int) -> int:
    """Return the largest power of two below `count`, where a tree of `count` leaves divides."""
    return 1 << ((count - 1).bit_length() - 1)


def _root_between(joined: bytes, start: int, end: int) -> bytes:
    return root_of(joined[start * HASH_BYTES : end * HASH_BYTES])
