"""Sealing keys are kept, replaced with the old one's word, and read from what others hand over."""

import fcntl
import json
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from openbpo.record.checkpoints import Checkpoint, checked, countersigned, sealed
from openbpo.storage.home import home
from openbpo.trust.key_rings import KeyRing, read_key_file, rotation_statement
from openbpo.trust.keys import party_key
from openbpo.trust.seals import Countersigner, rotate, seal_keys
from openbpo.values.refusals import Refusal

T1 = datetime(2025, 1, 1, tzinfo=UTC)
T2, T3 = T1 + timedelta(days=30), T1 + timedelta(days=60)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("OPENBPO_HOME", str(folder))
    return folder


def checkpoint(at: datetime) -> Checkpoint:
    origin = "openbpo/01980000-0000-7000-8000-000000000001/record"
    return Checkpoint(origin=origin, size=5, root=bytes(32), at=at)


class TestSealKeys:
    def test_are_made_once_for_us_alone(self) -> None:
        made = seal_keys(at=T1)
        assert seal_keys(at=T2) == made or seal_keys(at=T2).ring == made.ring
        assert made.current.public.valid_from == T1
        assert stat.S_IMODE((home() / "seal-keys.json").stat().st_mode) == 0o600
        assert made.current.name == f"openbpo-seal-{made.current.public.key_id}"

    def test_sign_what_their_ring_believes(self) -> None:
        keys = seal_keys(at=T1)
        assert checked(sealed(checkpoint(T2), keys.current), keys.ring).holds

    def test_do_not_show_their_private_half(self) -> None:
        keys = seal_keys(at=T1)
        private = json.loads((home() / "seal-keys.json").read_text())["keys"][0]["private"]
        assert private not in repr(keys)
        assert private not in keys.public_history()

    @pytest.mark.parametrize(
        "edit",
        [
            lambda told: told["keys"][0].update(private="00" * 32),
            lambda told: told["keys"][0].update(public_key="00" * 32),
            lambda told: told["keys"][1].update(named_by=None),
            lambda told: told["keys"].pop(),
            lambda told: told["keys"].reverse(),
            lambda told: told["keys"].clear(),
            lambda told: told.pop("keys"),
            lambda told: told["keys"].append("key"),
        ],
    )
    def test_that_were_changed_are_refused(self, edit: Callable[[Any], object]) -> None:
        seal_keys(at=T1)
        rotate(at=T2)
        path = home() / "seal-keys.json"
        told = json.loads(path.read_text())
        edit(told)
        path.write_text(json.dumps(told))
        with pytest.raises(Refusal, match="Put the right file back"):
            seal_keys(at=T3)


class TestRotation:
    def test_keeps_the_old_key_and_has_it_name_the_new_one(self) -> None:
        first = seal_keys(at=T1).current
        keys = rotate(at=T2)
        old, new = keys.keys
        assert (old.raw, old.public.retired_at, new.public.valid_from) == (first.raw, T2, T2)
        assert new.public.named_by is not None
        statement = rotation_statement(old.raw, new.raw, at=T2)
        assert old.public.signed(statement, new.public.named_by)
        assert seal_keys(at=T3).ring == keys.ring
        assert statement.startswith(b'{"at":"2025-01-31T00:00:00.000000Z","from":"')

    def test_an_old_key_is_believed_for_what_was_sealed_before(self) -> None:
        old = seal_keys(at=T1).current
        ring = rotate(at=T2).ring
        before = sealed(checkpoint(T2 - timedelta(microseconds=1)), old)
        after = sealed(checkpoint(T2), old)
        assert checked(before, ring.in_use(before.checkpoint.at)).holds
        assert not checked(after, ring.in_use(after.checkpoint.at)).holds

    @pytest.mark.parametrize("at", [T1, T1 - timedelta(days=1)])
    def test_does_not_go_back_in_time(self, at: datetime) -> None:
        seal_keys(at=T1)
        with pytest.raises(Refusal, match="Set the clock right"):
            rotate(at=at)

    def test_waits_for_another_that_changes_the_keys(self) -> None:
        seal_keys(at=T1)
        with (home() / ".seal-keys.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            other = threading.Thread(target=lambda: rotate(at=T2))
            other.start()
            other.join(0.2)
            assert other.is_alive()
            assert len(seal_keys(at=T1).keys) == 1
        other.join(10)
        assert len(seal_keys(at=T1).keys) == 2


def pem(private: Any, *, is_private: bool = False) -> str:
    if is_private:
        made = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    else:
        made = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return bytes(made).decode()


def ring_of(path: Path, text: str) -> KeyRing:
    path.write_text(text)
    return read_key_file(path)


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
PARTY = {"party": "acme", "key_id": "key_1", "algorithm": "Ed25519", "public_key": RAW.hex()}


class TestKeyFile:
    def test_may_be_our_history(self, tmp_path: Path) -> None:
        seal_keys(at=T1)
        rotate(at=T2)
        keys = rotate(at=T3)
        assert ring_of(tmp_path / "key", keys.public_history()) == keys.ring

    def test_may_list_the_keys_of_parties(self, tmp_path: Path) -> None:
        [key] = ring_of(tmp_path / "key", json.dumps([PARTY]))
        assert (key.raw, key.party, str(key)) == (RAW, "acme", "openbpo-party-key_1")

    @pytest.mark.parametrize("text", [pem(KEY), RAW.hex(), f"{RAW.hex()}\n", RAW.hex().upper()])
    def test_may_be_a_bare_key(self, tmp_path: Path, text: str) -> None:
        [key] = ring_of(tmp_path / "key", text)
        assert (key.raw, key.name) == (RAW, None)

    def test_knows_a_party_that_countersigned(self, tmp_path: Path) -> None:
        client = party_key("acme")
        note = countersigned(
            sealed(checkpoint(T2), seal_keys(at=T1).current), Countersigner(client)
        )
        told = {**PARTY, "key_id": client.public.key_id, "public_key": client.public.raw.hex()}
        [by] = checked(note, ring_of(tmp_path / "key", json.dumps([told]))).by
        assert by.party == "acme"

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("", "hex digits"),
            ("\x00\xff", "hex digits"),
            ("00" * 31, "hex digits"),
            ("zz" * 32, "hex"),
            ("{", ""),
            ("[]", "lists no key"),
            ("[1]", "no keys"),
            ("{}", "does not begin"),
            ('{"openbpo": "seal-keys/1", "keys": []}', "lists no key"),
            ('{"openbpo": "seal-keys/1", "keys": [1]}', "not told in full"),
            ('{"openbpo": "seal-keys/2", "keys": []}', "does not begin"),
            (json.dumps([{**PARTY, "algorithm": "RSA"}]), "another algorithm"),
            (json.dumps([{**PARTY, "public_key": "00"}]), "hex digits"),
            (json.dumps([{**PARTY, "key_id": "a b"}]), "no plain text"),
            (json.dumps([{"party": "acme"}]), "'algorithm' is missing"),
            (pem(KEY, is_private=True), "private key: keep it"),
            (pem(generate_private_key(SECP256R1())), "another algorithm"),
            ("-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----", ""),
            ("[" * 100_000, ""),
            (" " * 2**21, "too large"),
        ],
    )
    def test_of_another_kind_is_refused(self, tmp_path: Path, text: str, fault: str) -> None:
        with pytest.raises(Refusal, match=f"no file of public keys.*{fault}.*Give what"):
            ring_of(tmp_path / "key", text)

    def test_with_private_halves_is_refused(self) -> None:
        seal_keys(at=T1)
        with pytest.raises(Refusal, match="private key: keep it"):
            read_key_file(home() / "seal-keys.json")

    @pytest.mark.parametrize("name", ["none", "."])
    def test_that_is_not_there_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(Refusal, match="cannot be read"):
            read_key_file(tmp_path / name)

    @pytest.mark.parametrize(
        ("edit", "fault"),
        [
            (lambda keys: keys[1].update(named_by="00" * 64), "did not sign"),
            (lambda keys: keys[1].update(named_by=None), "did not sign"),
            (lambda keys: keys.pop(1), "is not retired when|did not sign"),
            (lambda keys: keys.pop(), "is retired, and none"),
            (lambda keys: keys[0].update(retired_at=None), "is not retired when"),
            (lambda keys: keys[0].update(valid_from=keys[2]["valid_from"]), "valid from before"),
            (lambda keys: keys[0].update(key_id="0" * 16), "not the id"),
            (lambda keys: keys[0].update(name="openbpo-seal-1"), "not the name"),
            (lambda keys: keys.append(keys[0]), "twice"),
        ],
    )
    def test_with_a_broken_chain_is_refused(
        self, tmp_path: Path, edit: Callable[[Any], object], fault: str
    ) -> None:
        seal_keys(at=T1)
        rotate(at=T2)
        told = json.loads(rotate(at=T3).public_history())
        edit(told["keys"])
        with pytest.raises(Refusal, match=fault):
            ring_of(tmp_path / "key", json.dumps(told))
