"""The tree is that of RFC 6962, however it is grown, and proves what is so and nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbpo.record.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots with which Certificate Transparency's implementations are tested.
CT_INPUTS = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_LEAVES = [sha256(b"\x00" + bytes.fromhex(text)).digest() for text in CT_INPUTS]


def leaves_of(count: int) -> list[bytes]:
    return [sha256(b"\x00%d" % number).digest() for number in range(count)]


# The definitions of RFC 6962 as they stand there: MTH, PATH and PROOF with SUBPROOF.


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, is_whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if is_whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], is_whole=is_whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], is_whole=False), mth(leaves[:k])]


class TestRoot:
    @pytest.mark.parametrize("size", range(9))
    def test_is_that_of_certificate_transparency(self, size: int) -> None:
        assert root_of(CT_LEAVES[:size]).hex() == CT_ROOTS[size]

    def test_of_nothing_is_the_hash_of_nothing(self) -> None:
        assert root_of(b"") == root_of([]) == EMPTY_ROOT == sha256().digest()

    @given(st.integers(0, 300))
    def test_is_as_the_rfc_defines_it(self, size: int) -> None:
        leaves = leaves_of(size)
        assert root_of(leaves) == root_of(b"".join(leaves)) == mth(leaves)

    @pytest.mark.parametrize("size", [2**14 - 1, 2**14, 2**14 + 1, 40_001, 2**16 + 3])
    def test_is_the_same_over_many_blocks(self, size: int) -> None:
        leaves = leaves_of(size)
        assert root_of(b"".join(leaves)) == mth(leaves)

    @pytest.mark.parametrize("wrong", [b"short", [b"short"], [bytes(31), bytes(33)]])
    def test_takes_only_hashes(self, wrong: list[bytes] | bytes) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            root_of(wrong)


class TestFrontier:
    @given(st.lists(st.integers(0, 40), max_size=8))
    def test_comes_to_the_same_however_it_grows(self, pieces: list[int]) -> None:
        leaves = leaves_of(sum(pieces))
        at_once, by_pieces, one_by_one = Frontier(), Frontier(), Frontier()
        at_once.extend(leaves)
        for leaf in leaves:
            one_by_one.append(leaf)
        at = 0
        for piece in pieces:
            by_pieces.extend(leaves[at : at + piece])
            at += piece
            assert by_pieces.root() == mth(leaves[:at])
        assert at_once.to_hex() == by_pieces.to_hex() == one_by_one.to_hex()
        assert at_once.size == by_pieces.size == one_by_one.size == len(leaves)

    @pytest.mark.parametrize("begun", [1, 3, 2**14 - 5, 2**14 + 7])
    def test_grows_by_blocks_from_anywhere(self, begun: int) -> None:
        leaves = leaves_of(50_000)
        frontier = Frontier()
        frontier.extend(leaves[:begun])
        frontier.extend(leaves[begun:])
        assert frontier.root() == mth(leaves)

    @given(st.integers(0, 200), st.integers(0, 50))
    def test_goes_on_from_what_was_kept(self, size: int, more: int) -> None:
        leaves = leaves_of(size + more)
        frontier = Frontier()
        frontier.extend(leaves[:size])
        kept = Frontier.from_hex(frontier.size, frontier.to_hex())
        kept.extend(leaves[size:])
        assert kept.root() == mth(leaves)

    def test_is_copied_to_grow_apart(self) -> None:
        frontier = Frontier()
        frontier.extend(CT_LEAVES[:5])
        copy = frontier.copy()
        copy.append(CT_LEAVES[5])
        assert (frontier.root().hex(), copy.root().hex()) == (CT_ROOTS[5], CT_ROOTS[6])

    @pytest.mark.parametrize(
        ("size", "roots"),
        [(-1, []), (0, ["00" * 32]), (3, ["00" * 32]), (1, ["00" * 31]), (1, ["zz" * 32])],
    )
    def test_refuses_what_does_not_belong_together(self, size: int, roots: list[str]) -> None:
        with pytest.raises(ValueError, match=r"."):
            Frontier.from_hex(size, roots)

    def test_takes_only_hashes(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            Frontier().append(b"short")


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, 130))
    return draw(st.integers(0, size - 1)), size


class TestInclusion:
    @given(places())
    def test_proof_is_the_path_of_the_rfc(self, place: tuple[int, int]) -> None:
        index, size = place
        leaves = leaves_of(size)
        proof = inclusion_proof(leaves, index)
        assert proof == path(index, leaves)
        assert verify_inclusion(leaves[index], index, size, proof, mth(leaves))

    @given(places(), st.data())
    def test_proof_shows_nothing_else(self, place: tuple[int, int], data: st.DataObject) -> None:
        index, size = place
        leaves = leaves_of(size)
        proof, root, leaf = inclusion_proof(leaves, index), mth(leaves), leaves[index]
        other = data.draw(st.integers(-1, size + 1).filter(lambda number: number != index))
        assert not verify_inclusion(leaf, other, size, proof, root)
        assert not verify_inclusion(bytes(32), index, size, proof, root)
        assert not verify_inclusion(leaf, index, size, proof, bytes(32))
        assert not verify_inclusion(leaf, index, size, [*proof, root], root)
        if proof:
            at = data.draw(st.integers(0, len(proof) - 1))
            assert not verify_inclusion(leaf, index, size, proof[:at] + proof[at + 1 :], root)
            forged = [*proof[:at], bytes(32), *proof[at + 1 :]]
            assert not verify_inclusion(leaf, index, size, forged, root)

    def test_proof_leads_up_to_the_root_and_no_less(self) -> None:
        a, b, *_ = CT_LEAVES
        assert verify_inclusion(a, 0, 2, [b], root_of([a, b]))
        assert not verify_inclusion(a, 0, 4, [b], root_of([a, b]))
        assert not verify_inclusion(a, 0, 4, [], a)

    @pytest.mark.parametrize("index", [-1, 5])
    def test_needs_a_leaf_that_is_there(self, index: int) -> None:
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(CT_LEAVES[:5], index)


class TestConsistency:
    @given(places())
    def test_proof_is_that_of_the_rfc(self, place: tuple[int, int]) -> None:
        first, size = place[0] + 1, place[1]
        leaves = leaves_of(size)
        proof = consistency_proof(leaves, first)
        assert proof == subproof(first, leaves, is_whole=True)
        assert verify_consistency(first, mth(leaves[:first]), size, mth(leaves), proof)

    def test_with_the_empty_tree_needs_no_proof(self) -> None:
        assert consistency_proof(CT_LEAVES, 0) == []
        assert verify_consistency(0, EMPTY_ROOT, 8, mth(CT_LEAVES), [])
        assert not verify_consistency(0, bytes(32), 8, mth(CT_LEAVES), [])

    @given(places(), st.data())
    def test_proof_shows_nothing_else(self, place: tuple[int, int], data: st.DataObject) -> None:
        first, size = place[0] + 1, place[1]
        leaves = leaves_of(size)
        old, new = mth(leaves[:first]), mth(leaves)
        proof = consistency_proof(leaves, first)
        at = data.draw(st.integers(0, first - 1))
        forked = mth([*leaves[:at], bytes(32), *leaves[at + 1 : first]])
        assert not verify_consistency(first, forked, size, new, proof)
        assert not verify_consistency(first, old, size, bytes(32), proof)
        assert not verify_consistency(first, old, size, new, [*proof, new])
        assert not verify_consistency(size + 1, old, size, new, proof)
        if proof:
            assert not verify_consistency(first, old, size, new, proof[:-1])

    def test_proof_leads_up_to_the_root_and_no_less(self) -> None:
        three, four = root_of(CT_LEAVES[:3]), root_of(CT_LEAVES[:4])
        proof = consistency_proof(CT_LEAVES[:4], 3)
        assert verify_consistency(3, three, 4, four, proof)
        assert not verify_consistency(3, three, 8, four, proof)

    @pytest.mark.parametrize("first", [-1, 9])
    def test_needs_a_size_that_was(self, first: int) -> None:
        with pytest.raises(ValueError, match="never had"):
            consistency_proof(CT_LEAVES, first)
