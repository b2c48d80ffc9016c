"""The canonical encoding is JSON, says one thing in one way, and different things differently."""

import json

from hypothesis import given
from hypothesis import strategies as st

from openbpo.values.canonical import LARGEST_INT, canonical_bytes

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
leaves = st.none() | st.booleans() | st.integers(-LARGEST_INT, LARGEST_INT) | texts
values = st.recursive(
    leaves,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(texts, parts, max_size=4),
    max_leaves=12,
)


def reversed_keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(part) for part in value] if isinstance(value, list) else value


class TestCanonicalBytes:
    @given(values)
    def test_are_json_that_reads_back(self, value: object) -> None:
        assert json.loads(canonical_bytes(value)) == value

    @given(values)
    def test_do_not_depend_on_the_order_of_keys(self, value: object) -> None:
        assert canonical_bytes(reversed_keys(value)) == canonical_bytes(value)

    @given(st.dictionaries(texts, st.none(), max_size=8))
    def test_order_keys_by_utf_16_unit(self, value: dict[str, None]) -> None:
        keys = list(json.loads(canonical_bytes(value)))
        assert keys == sorted(keys, key=lambda key: key.encode("utf-16-be"))
