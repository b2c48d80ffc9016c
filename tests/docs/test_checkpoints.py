"""The pages on tree and checkpoints compute to what they say."""

import base64
import re
from hashlib import sha256

from openbpo.record.checkpoints import read_checkpoint
from openbpo.record.tree import Frontier, consistency_proof, inclusion_proof, root_of
from tests.docs.runner import ROOT

TREE = (ROOT / "docs" / "algorithms" / "merkle-tree.md").read_text(encoding="utf-8")
CHECKPOINTS = (ROOT / "docs" / "reference" / "checkpoints.md").read_text(encoding="utf-8")
LINE = re.compile(
    r"^(?:leaf )?(\w+) +(= (?:SHA-256|node)\( [\w, ]+ \)) +([0-9a-f]{64})$", re.MULTILINE
)


def computed() -> dict[str, bytes]:
    """Compute the table line by line, from the words that stand in it."""
    found: dict[str, bytes] = {}
    for name, formula, said in LINE.findall(TREE):
        inside = formula[formula.index("(") + 1 : -1].strip()
        if "SHA-256" in formula:
            found[name] = sha256(bytes.fromhex(inside)).digest()
        else:
            left, right = inside.split(", ")
            found[name] = sha256(b"\x01" + found[left] + found[right]).digest()
        assert found[name].hex() == said, name
    return found


class TestTree:
    def test_is_computed_by_hand_as_by_the_code(self) -> None:
        found = computed()
        assert list(found) == ["a", "b", "c", "d", "e", "ab", "cd", "abcd", "root"]
        leaves = [found[name] for name in "abcde"]
        assert root_of(leaves) == found["root"]
        frontier = Frontier()
        frontier.extend(leaves)
        assert frontier.to_hex() == [found["abcd"].hex(), found["e"].hex()]

    def test_proofs_are_those_that_it_names(self) -> None:
        found = computed()
        leaves = [found[name] for name in "abcde"]
        names = {value: name for name, value in found.items()}
        in_it, grew = inclusion_proof(leaves, 2), consistency_proof(leaves, 3)
        assert f"the proof is `{'`, `'.join(names[one] for one in in_it)}`:" in TREE
        assert f"The proof is `{'`, `'.join(names[one] for one in grew)}`." in TREE

    def test_is_that_of_the_checkpoint_shown(self) -> None:
        [text] = re.findall(r"```text\n(openbpo/.*?)```", CHECKPOINTS, re.DOTALL)
        checkpoint = read_checkpoint(text)
        assert checkpoint.root == computed()["root"]
        assert base64.b64encode(checkpoint.root).decode() in text
