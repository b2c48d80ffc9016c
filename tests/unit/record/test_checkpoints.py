"""A checkpoint is C2SP's text in C2SP's signed note; nothing else is read as one."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from tests.record_packs import CLIENT, ENGAGEMENT, SEAL, STRANGER, Hand

from openbpo.record.checkpoints import (
    Checkpoint,
    SignatureLine,
    SignedNote,
    checked,
    countersigned,
    key_hash,
    origin_of,
    read_checkpoint,
    read_note,
    sealed,
)
from openbpo.trust.key_rings import KnownKey
from openbpo.values.ids import EngagementId

AT = datetime(2025, 2, 1, 7, 30, tzinfo=UTC)
FIVE = Checkpoint(origin=origin_of(ENGAGEMENT), size=5, root=sha256(b"five").digest(), at=AT)
ROOT = base64.b64encode(FIVE.root).decode()
TEXT = f"""\
openbpo/01980000-0000-7000-8000-000000000001/record
5
{ROOT}
at 2025-02-01T07:30:00.000000Z
"""


def known(hand: Hand, *, name: str | None = "") -> KnownKey:
    return KnownKey(raw=hand.raw, name=hand.name if name == "" else name)


class TestCheckpoint:
    def test_is_four_lines(self) -> None:
        assert FIVE.text() == TEXT
        assert read_checkpoint(TEXT) == FIVE

    def test_of_the_access_log_has_an_origin_of_its_own(self) -> None:
        origin = origin_of(EngagementId(UUID(int=7)), "access")
        assert origin == "openbpo/00000000-0000-0000-0000-000000000007/access"
        assert read_checkpoint(replace(FIVE, origin=origin).text()).origin == origin

    @pytest.mark.parametrize(
        ("old", "new", "fault"),
        [
            ("/record\n", "/record", "four lines"),
            ("Z\n", "Z\nmore\n", "four lines"),
            ("Z\n", "Z", "four lines"),
            ("/record", "/records", "no origin"),
            ("/record", "/../record", "no origin"),
            ("01980000", "0198000A", "no origin"),
            ("\n5\n", "\n05\n", "no size"),
            ("\n5\n", "\n-5\n", "no size"),
            ("\n5\n", "\n５\n", "no size"),
            ("\n5\n", "\n9223372036854775808\n", "no size"),
            (ROOT, ROOT[:-1], "base64"),
            (ROOT, base64.b64encode(bytes(31)).decode(), "32 bytes, not 31"),
            (ROOT, f" {ROOT}", "base64"),
            ("at 2025", "on 2025", "does not say when"),
            ("30:00.000000Z", "30:00Z", "no instant"),
            ("02-01T", "02-30T", "no instant"),
        ],
    )
    def test_is_read_strictly(self, old: str, new: str, fault: str) -> None:
        assert old in TEXT
        with pytest.raises(ValueError, match=fault):
            read_checkpoint(TEXT.replace(old, new, 1))

    def test_has_one_way_to_write_its_root(self) -> None:
        loose = ROOT[:-2] + chr(ord(ROOT[-2]) + 1) + "="
        assert base64.b64decode(loose) == FIVE.root
        with pytest.raises(ValueError, match="one way"):
            read_checkpoint(TEXT.replace(ROOT, loose))


class TestNote:
    def test_reads_back_as_written(self) -> None:
        note = countersigned(sealed(FIVE, SEAL), CLIENT)
        assert str(note).startswith(f"{TEXT}\n— {SEAL.name} ")
        assert read_note(str(note)) == note
        assert note.checkpoint == FIVE

    def test_of_the_standard_is_read(self) -> None:
        """The example of C2SP's signed-note: its text has an empty line of its own."""
        example = (
            "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n"
            "ed è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/"
            "5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
        )
        note = read_note(example)
        assert note.text.endswith("ed è subito sera.\n")
        assert note.signatures[0].name == "quasimodo.example/salvatore"
        assert (len(note.signatures[0].signature), str(note)) == (64, example)

    @pytest.mark.parametrize(
        ("note", "fault"),
        [
            ("", "an empty line"),
            (TEXT, "an empty line"),
            (f"{TEXT}\n", "does not end"),
            (f"{TEXT}\n— k AAAAAAA=", "does not end"),
            (f"{TEXT}\n- k AAAAAAA=\n", "no line of a signature"),
            (f"{TEXT}\n— k  AAAAAAA=\n", "no line of a signature"),
            (f"{TEXT}\n— k+k AAAAAAA=\n", "no line of a signature"),
            (f"{TEXT}\n— k\u00a0k AAAAAAA=\n", "no line of a signature"),
            (f"{TEXT}\n— k AAAAAA==\n", "too short"),
            (f"{TEXT}\n— k AAAAAAB=\n", "one way"),
            (f"{TEXT}\n— k !\n", "no base64"),
            (f"{TEXT}\r\n— k AAAAAAA=\n", "control characters"),
            (f"{TEXT}\n" + "— k AAAAAAA=\n" * 65, "64 signatures"),
            (f"{TEXT}\n— k {'A' * 70_000}\n", "bytes long"),
        ],
    )
    def test_is_read_strictly(self, note: str, fault: str) -> None:
        with pytest.raises(ValueError, match=fault):
            read_note(note)


class TestChecking:
    def test_hash_of_a_key_is_that_of_the_standard(self) -> None:
        assert key_hash("a.b/c", bytes(32)) == sha256(b"a.b/c\n\x01" + bytes(32)).digest()[:4]

    def test_knows_who_signed_and_keeps_who_is_unknown(self) -> None:
        note = countersigned(countersigned(sealed(FIVE, SEAL), STRANGER), CLIENT)
        found = checked(read_note(str(note)), [known(SEAL), known(CLIENT)])
        assert [key.name for key in found.by] == [SEAL.name, CLIENT.name]
        assert [line.name for line in found.unknown] == [STRANGER.name]
        assert found.holds

    def test_a_key_without_a_name_is_known_under_any(self) -> None:
        assert checked(sealed(FIVE, SEAL), [known(SEAL, name=None)]).holds
        assert not checked(sealed(FIVE, SEAL), [known(SEAL, name="another")]).holds

    def test_nobody_known_signed(self) -> None:
        found = checked(sealed(FIVE, STRANGER), [known(SEAL)])
        assert (found.by, found.forged, found.holds) == ((), (), False)

    def test_a_signature_over_another_text_is_forged(self) -> None:
        other = SignedNote(replace(FIVE, size=6).text(), sealed(FIVE, SEAL).signatures)
        found = checked(other, [known(SEAL)])
        assert [line.name for line in found.forged] == [SEAL.name]
        assert not found.holds

    def test_one_forged_line_spoils_a_note(self) -> None:
        note = sealed(FIVE, SEAL)
        forged = SignatureLine(CLIENT.name, key_hash(CLIENT.name, CLIENT.raw), bytes(64))
        spoilt = SignedNote(note.text, (*note.signatures, forged))
        assert not checked(spoilt, [known(SEAL), known(CLIENT)]).holds
        assert checked(spoilt, [known(SEAL)]).holds

    def test_signing_again_changes_nothing(self) -> None:
        note = countersigned(sealed(FIVE, SEAL), CLIENT)
        assert countersigned(note, CLIENT) is note

    def test_a_name_with_a_space_signs_nothing(self) -> None:
        with pytest.raises(ValueError, match="names no key"):
            sealed(FIVE, Hand(1, "two words"))
