from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest

from openbpo.values.canonical import (
    ENCODING_VERSION,
    canonical_bytes,
    instant_from_text,
    instant_text,
)


class TestCanonicalBytes:
    def test_is_version_1(self) -> None:
        assert ENCODING_VERSION == 1

    @pytest.mark.parametrize(
        ("value", "encoded"),
        [
            (None, b"null"),
            (True, b"true"),
            (False, b"false"),
            (-7, b"-7"),
            ("é", '"é"'.encode()),
            ([], b"[]"),
            ((1, [2, ()]), b"[1,[2,[]]]"),
            ({"b": 1, "a": {"d": None, "c": []}}, b'{"a":{"c":[],"d":null},"b":1}'),
            # RFC 8785, section 3.2.2.2.
            (
                '\u20ac$\x0f\nA\'B"\\\\"/',
                b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
            ),
            ("\x7f\u2028</script>", '"\x7f\u2028</script>"'.encode()),
        ],
    )
    def test_is_json_without_choices(self, value: object, encoded: bytes) -> None:
        assert canonical_bytes(value) == encoded

    def test_sorts_keys_by_utf_16_unit(self) -> None:
        # The example of RFC 8785, section 3.2.3; the two last swap when sorted by code point.
        ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
        encoded = canonical_bytes([dict.fromkeys(reversed(ordered), 0)])
        assert (
            encoded
            == ("[{" + ",".join(f'"{key}":0' for key in ordered) + "}]")
            .replace('"\r"', '"\\r"')
            .encode()
        )

    @pytest.mark.parametrize(
        "value",
        [1.0, Decimal(1), Fraction(1), datetime(2012, 1, 1, tzinfo=UTC), b"", {1}, {1: 2}],
    )
    def test_refuses_other_types_wherever_they_are(self, value: object) -> None:
        for holder in (value, [value], {"é": {"a": 0}, "b": value}, {"é": value}):
            with pytest.raises(TypeError):
                canonical_bytes(holder)

    @pytest.mark.parametrize("number", [2**53, -(2**53)])
    def test_refuses_integers_that_others_would_round(self, number: int) -> None:
        assert (
            canonical_bytes(number - number // abs(number))
            == str(number - number // abs(number)).encode()
        )
        with pytest.raises(ValueError, match="Write it as text"):
            canonical_bytes([number])

    @pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["\ud83d\ude00"]])
    def test_refuses_lone_surrogates(self, value: object) -> None:
        with pytest.raises(ValueError, match="surrogates"):
            canonical_bytes(value)


class TestInstantText:
    @pytest.mark.parametrize(
        ("instant", "text"),
        [
            (datetime(2012, 2, 1, 7, 30, tzinfo=UTC), "2012-02-01T07:30:00.000000Z"),
            (datetime(2012, 2, 1, 7, 30, 1, 23, tzinfo=UTC), "2012-02-01T07:30:01.000023Z"),
            (
                datetime(2012, 2, 1, tzinfo=timezone(timedelta(hours=1))),
                "2012-01-31T23:00:00.000000Z",
            ),
        ],
    )
    def test_is_utc_with_six_decimals(self, instant: datetime, text: str) -> None:
        assert instant_text(instant) == text
        assert instant_from_text(text) == instant
        assert instant_from_text(text).tzinfo is UTC

    def test_refuses_a_naive_datetime(self) -> None:
        with pytest.raises(ValueError, match="has no time zone"):
            instant_text(datetime(2012, 2, 1))

    @pytest.mark.parametrize(
        "text",
        [
            "2012-02-01T07:30:00Z",
            "2012-02-01T07:30:00.000000+00:00",
            "2012-02-01T07:30:00.000000",
            "2012-02-01 07:30:00.000000Z",
            "2012-02-30T07:30:00.000000Z",
            "20120201T073000.000000Z",
            "today",
        ],
    )
    def test_is_read_in_no_other_form(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no instant"):
            instant_from_text(text)
