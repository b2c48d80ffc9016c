from uuid import RFC_4122, UUID

import pytest

from openbpo.values.ids import outward_id, uuid7


class TestUuid7:
    def test_is_the_example_of_rfc_9562(self) -> None:
        random_bits = (0xCC3 << 68 | 0x18C4DC0C0C07398F).to_bytes(10)
        made = uuid7(0x017F22E279B0, random_bits)
        assert made == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")

    @pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
    def test_says_its_version_and_variant(self, byte: bytes) -> None:
        made = uuid7(2**48 - 1, byte * 10)
        assert made.version == 7
        assert made.variant == RFC_4122

    def test_sorts_by_time(self) -> None:
        assert uuid7(1, b"\xff" * 10) < uuid7(2, b"\x00" * 10)

    def test_refuses_what_does_not_fit(self) -> None:
        for unix_ms in (-1, 2**48):
            with pytest.raises(ValueError, match="48 bits"):
                uuid7(unix_ms, bytes(10))
        with pytest.raises(ValueError, match="10 random bytes"):
            uuid7(0, bytes(9))


class TestOutwardId:
    def test_is_opaque_base_32(self) -> None:
        assert outward_id("rec", bytes(16)) == "rec_" + "0" * 26
        assert outward_id("rec", b"\xff" * 16) == "rec_7" + "z" * 25
        assert outward_id("rec", bytes(15) + b"\x21") == "rec_" + "0" * 24 + "11"

    @pytest.mark.parametrize("prefix", ["", "Rec", "rec_", "1rec", "rec\n"])
    def test_refuses_another_prefix(self, prefix: str) -> None:
        with pytest.raises(ValueError, match="is no prefix"):
            outward_id(prefix, bytes(16))

    def test_refuses_another_length(self) -> None:
        with pytest.raises(ValueError, match="16 random bytes"):
            outward_id("rec", bytes(15))
