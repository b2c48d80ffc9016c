"""Row keys: keyed, told apart by mapping, and as earlier records have them."""

import json
from hashlib import blake2b

from openbpo.record.decisions import RowKeys, RowKeysOfBefore

KEY = bytes(range(32))


def test_row_keys_depend_on_key_mapping_and_text() -> None:
    keys = RowKeys(KEY, "log")
    assert keys.of("a\0b") == keys.of("a\0b")
    told = [keys.of("a\0b"), keys.of("ab"), RowKeys(KEY, "logs").of("a\0b")]
    told += [RowKeys(bytes(32), "log").of("a\0b"), RowKeys(KEY, "log\0a").of("b")]
    assert len({*told}) == len(told) - 1  # a mapping's id holds no NUL
    assert {len(one) for one in told} == {16}


def test_rows_of_before_are_known_by_their_cells_and_how_many_such_came() -> None:
    def hashed(content: bytes) -> bytes:
        return blake2b(content, digest_size=16, key=KEY).digest()

    keys = RowKeysOfBefore(KEY)
    plain = hashed(json.dumps(["Case 1", "Ünderung"]).encode())
    assert keys.of("Case 1\0Ünderung") == plain
    assert keys.of("Case 1\0Other") == hashed(json.dumps(["Case 1", "Other"]).encode())
    assert keys.of("Case 1\0Ünderung") == hashed(plain + b"2")
    assert keys.of("Case 1\0Ünderung") == hashed(plain + b"3")
