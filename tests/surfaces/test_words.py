"""The words and figures of pages, in every language."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from babel import Locale

from openbpo.surfaces.web.numbers import (
    day_text,
    exact,
    figure_text,
    moment_text,
    money_text,
    month_text,
    share_text,
    signed_text,
)
from openbpo.values.money import Money
from tests.surfaces.messages import LANGUAGES, compiled, gather, kept, place

EN, ES, PL, PT, FIL = (Locale.parse(code) for code in ("en", "es", "pl", "pt", "fil"))


class TestFigures:
    @pytest.mark.parametrize(
        ("value", "locale", "text"),
        [
            (Decimal("1234.50"), EN, "1,234.50"),
            (Decimal("82.020"), EN, "82.020"),
            ("-9210.00", EN, "−9,210.00"),
            (1234567, PL, "1\u00a0234\u00a0567"),
            (Decimal("12345.5"), PT, "12.345,5"),
            (Decimal("12345.5"), ES, "12.345,5"),
            (Decimal("12345.5"), FIL, "12,345.5"),
            (Fraction(29, 400), EN, "0.0725"),
            (0, EN, "0"),
            (Decimal("123456789012345678901234567890.123"), EN,
             "123,456,789,012,345,678,901,234,567,890.123"),
        ],
    )  # fmt: skip
    def test_have_the_decimals_that_were_given(self, value: Any, locale: Locale, text: str) -> None:
        assert figure_text(value, locale) == text

    @pytest.mark.parametrize("value", [0.1, True, None])
    def test_are_exact(self, value: Any) -> None:
        with pytest.raises(TypeError):
            exact(value)

    def test_of_a_difference_have_a_sign(self) -> None:
        assert [signed_text(v, EN) for v in ("2.14", "-2.14", "0.00")] == [
            "+2.14", "−2.14", "0.00",
        ]  # fmt: skip

    def test_keep_their_unit_beside_them(self) -> None:
        assert share_text("82.02", EN) == "82.02\u00a0%"
        assert money_text(Money.parse("9210.00 EUR"), None, EN) == "9,210.00\u00a0EUR"
        assert money_text("9210.00", "EUR", PL) == "9\u00a0210,00\u00a0EUR"


class TestTimes:
    def test_are_told_by_the_zone_that_is_named(self) -> None:
        at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
        assert moment_text(at, EN, "Europe/Rome") == "2 Jul 2026, 00:30"
        assert moment_text(at, EN) == "1 Jul 2026, 22:30\u00a0UTC"

    def test_are_told_in_words_of_the_language(self) -> None:
        assert day_text(date(2026, 9, 14), EN) == "14 Sep 2026"
        assert "2026" in day_text(date(2026, 9, 14), PL)
        assert month_text("2026-09", ES) == "septiembre 2026"


class TestMessages:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_of_every_template_are_in_the_file(self, language: str) -> None:
        held = kept(language)
        missing = [
            message.id
            for message in gather()
            if message.id and held.get(message.id, context=message.context) is None
        ]
        assert missing == [], "run scripts/messages"

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_are_compiled_as_they_are_written(self, language: str) -> None:
        assert place(language).with_suffix(".mo").read_bytes() == compiled(kept(language))

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_keep_what_is_put_into_them(self, language: str) -> None:
        import re

        for message in kept(language):
            asked = set(re.findall(r"%\(\w+\)s", str(message.id)))
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            for string in map(str, filter(None, strings if message.id else ())):
                assert set(re.findall(r"%\(\w+\)s", string)) <= asked, string

    @pytest.mark.parametrize(
        ("language", "word"),
        [("es", "Iniciar sesión"), ("pt", "Entrar"), ("pl", "Zaloguj się"), ("fil", "Mag-sign in")],
    )
    def test_are_shown_in_the_language_asked_for(
        self, django: None, language: str, word: str
    ) -> None:
        from tests.surfaces.conftest import web_client

        answer = web_client().get("/sign-in", headers={"accept-language": language})
        assert f'<html lang="{language}"' in answer.content.decode()
        assert word in answer.content.decode()
