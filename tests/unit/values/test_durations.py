import pytest

from openbpo.values.durations import duration_text, parse_duration_us


class TestParseDurationUs:
    @pytest.mark.parametrize(
        ("text", "us"),
        [
            ("96 h", 96 * 3_600_000_000),
            ("1.5 h", 5_400_000_000),
            ("2 d", 48 * 3_600_000_000),
            ("20 s", 20_000_000),
            ("0.001 ms", 1),
            ("90min", 5_400_000_000),
            ("95 h 59 min 59.999 s", 96 * 3_600_000_000 - 1_000),
            ("0 s", 0),
        ],
    )
    def test_reads_whole_microseconds(self, text: str, us: int) -> None:
        assert parse_duration_us(text) == us

    @pytest.mark.parametrize(
        "text",
        ["", "96", "h", "-1 h", "1 us", "1 week", "1e3 s", "5 min 1 h", "1 h 1 h", "1 h  1 s"],
    )
    def test_refuses_everything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no duration"):
            parse_duration_us(text)

    def test_refuses_what_is_finer_than_a_microsecond(self) -> None:
        with pytest.raises(ValueError, match="is not whole microseconds"):
            parse_duration_us("0.0000001 s")


class TestDurationText:
    @pytest.mark.parametrize(
        ("us", "text"),
        [
            (96 * 3_600_000_000, "96 h"),
            (96 * 3_600_000_000 - 1_000, "95 h 59 min 59.999 s"),
            (0, "0 s"),
            (1, "0.000001 s"),
            (10_000_000, "10 s"),
            (-3_660_000_000, "-1 h 1 min"),
        ],
    )
    def test_is_exact_and_readable(self, us: int, text: str) -> None:
        assert duration_text(us) == text
