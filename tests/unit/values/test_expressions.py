"""The expression language: what it answers, what it refuses, and how it reads back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from openbpo.values.expressions import (
    BOOLEAN,
    DATE,
    DATE_TIME,
    DURATION,
    NULL,
    NUMBER,
    STRING,
    Choice,
    ExpressionRefused,
    ListOf,
    Problem,
    Type,
    Undecided,
    compile_expression,
)
from openbpo.values.expressions.checking import _CHECKS
from openbpo.values.expressions.compiling import _COMPILERS
from openbpo.values.expressions.tree import Node
from openbpo.values.expressions.words import _WORDS

NAMES: dict[str, Type] = {
    "service_level": Choice(("basic", "premium")),
    "backup_level": Choice(("basic", "premium", "gold")),
    "colour": Choice(("red", "green")),
    "activity": STRING,
    "n": NUMBER,
    "m": NUMBER,
    "reopened": BOOLEAN,
    "b": BOOLEAN,
    "opened": DATE,
    "due": DATE_TIME,
    "age": DURATION,
    "tags": ListOf(STRING),
    "nothing": NULL,
}


def evaluated(text: str, wanted: Type = NUMBER, **values: object) -> object:
    return compile_expression(text, NAMES, wanted=wanted).evaluate(values)


def problems(text: str, wanted: Type = BOOLEAN) -> tuple[Problem, ...]:
    with pytest.raises(ExpressionRefused) as refused:
        compile_expression(text, NAMES, wanted=wanted)
    return refused.value.problems


def said(text: str, wanted: Type = BOOLEAN) -> str:
    return "\n".join(str(problem) for problem in problems(text, wanted))


class TestAFilter:
    @pytest.mark.parametrize(
        ("text", "answer"),
        [
            # DMN 1.3, table of and / or: the third value is null
            ("true and true", True),
            ("true and false", False),
            ("true and b", None),
            ("false and b", False),
            ("b and false", False),
            ("b and true", None),
            ("b and b", None),
            ("true or b", True),
            ("b or true", True),
            ("false or b", None),
            ("b or false", None),
            ("b or b", None),
            ("false or false", False),
            ("not(b)", None),
            ("not(true)", False),
            ("not(false)", True),
            # and binds tighter than or
            ("true or true and false", True),
            ("(true or true) and false", False),
            # equality and order
            ("1 = 1.0", True),
            ("1 != 1.00", False),
            ("0.1 + 0.2 = 0.3", True),
            ('"a" = "A"', False),
            ('"a" < "b"', True),
            ("true = false", False),
            ("2 <= 2", True),
            ("2 < 2", False),
            ("2 >= 2", True),
            ("2 > 2", False),
            ('date("2012-12-25") > date("2012-12-24")', True),
            ('duration("PT24H") = duration("P1D")', True),
            ('duration("-PT1H") < duration("PT0S")', True),
            # null compares only with the word null
            ("n = 1", None),
            ("n != 1", None),
            ("1 < n", None),
            ("n = m", None),
            ("n = null", True),
            ("null = n", True),
            ("n != null", False),
            ("null = null", True),
            ("1 / 0 = null", True),
            ("1 / 0 = 1", None),
            ("nothing = null", True),
            # between and ranges
            ("1 between 1 and 5", True),
            ("5 between 1 and 5", True),
            ("6 between 1 and 5", False),
            ("0 between n and 5", None),
            ("6 between n and 5", False),
            ("1 in [1..5]", True),
            ("5 in [1..5]", True),
            ("1 in (1..5]", False),
            ("1 in ]1..5]", False),
            ("5 in [1..5)", False),
            ("5 in [1..5[", False),
            ("2 in (1..5)", True),
            ("2 in [3..n]", False),
            ("4 in [3..n]", None),
            ("n in [1..5]", None),
            ('date("2012-02-01") in [date("2012-01-01")..date("2012-12-31")]', True),
            # lists and unary tests
            ("1 in (2, 3, 1)", True),
            ("1 in [2, 3, 1]", True),
            ("1 in (2, 3)", False),
            ("1 in 1", True),
            ("1 in (< 5, > 10)", True),
            ("5 in (< 5, > 10)", False),
            ("5 in (<= 5)", True),
            ("5 in > 4", True),
            ("11 in ([1..5], 7, > 10)", True),
            ("5 in (= 5)", True),
            ("5 in (!= 5)", False),
            ("1 in (n, 1)", True),
            ("1 in (n, 2)", None),
            ("n in (1, 2)", None),
            ("n in (1, null)", True),
            ("1 in (2, null)", False),
            ("n in (!= null)", False),
            ("1 in (!= null)", True),
            ("1 in ((2 + 3) * 2, 1)", True),
            ('"a" in tags', None),
            # functions
            ('contains("foobar", "of")', False),
            ('contains("foobar", "oo")', True),
            ('starts with("foobar", "fo")', True),
            ('starts  with ("foobar", "ob")', False),
            ('ends with("foobar", "r")', True),
            ('ends with("foobar", "f")', False),
            ("contains(activity, activity)", None),
            ('upper case("aBc4") = "ABC4"', True),
            ('lower case("aBc4") = "abc4"', True),
            ('string length("tes") = 3', True),
            (r'string length("\U01F40E") = 1', True),
            (r'"\uD83D\uDCA9" = "\U01F4A9"', True),
            (r'"\t\n\r\\\"\'" = "\u0009\u000A\u000D\u005C\u0022\u0027"', True),
            ('"foo" + "bar" = "foobar"', True),
        ],
    )
    def test_answers_as_feel_does(self, text: str, answer: bool | None) -> None:
        found = compile_expression(text, NAMES)({})
        assert (None if isinstance(found, Undecided) else found) is answer

    def test_names_what_was_null_in_the_order_of_the_text(self) -> None:
        asked = compile_expression('n = 1 and activity = "a" and m = 2 and b and n > 0', NAMES)
        assert asked({"activity": "a", "m": None}) == Undecided(("n", "m", "b"))

    def test_names_a_list_that_holds_a_null(self) -> None:
        asked = compile_expression('"a" in tags', NAMES)
        assert asked({"tags": ["b", None]}) == Undecided(("tags",))
        assert asked({"tags": ["a", None]}) is True
        assert asked({"tags": ("b",)}) is False

    def test_names_nothing_when_the_null_was_made_on_the_way(self) -> None:
        assert compile_expression("1 / n > 0", NAMES)({"n": 0}) == Undecided(())

    def test_decides_without_a_value_that_cannot_change_the_answer(self) -> None:
        asked = compile_expression('n > 5 and activity = "a"', NAMES)
        assert asked({"n": 1}) is False

    def test_is_the_only_kind_that_is_called(self) -> None:
        with pytest.raises(TypeError, match="only a filter is called"):
            compile_expression("n", NAMES, wanted=NUMBER)({"n": 1})


class TestANumber:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("10 - 4 - 3", "3"),
            ("100 / 10 / 2", "5"),
            ("2 ** 3 ** 2", "64"),
            ("-3 ** 2", "9"),
            ("- -3", "3"),
            ("2 ** -1", "0.5"),
            ("1 - -1", "2"),
            (".5 + 0.25", "0.75"),
            ("1 / 3", "0.3333333333333333333333333333333333"),
            ("0 * -1", "0"),
        ],
    )
    def test_is_reckoned_in_decimals(self, text: str, value: str) -> None:
        assert str(evaluated(text)) == value

    @pytest.mark.parametrize(
        "text",
        ["1 / 0", "0 / 0", "0 ** -1", "2 ** 1000", "2 ** -1000", "(10 ** 999) ** 7", "(-8) ** 0.5"],
    )
    def test_is_null_where_it_has_no_value(self, text: str) -> None:
        assert evaluated(text) is None

    def test_is_exact_up_to_the_exponent_of_999(self) -> None:
        assert evaluated("10 ** 999") == Decimal("1E+999")

    def test_is_compared_with_every_digit_it_is_given(self) -> None:
        big = 10**40 + 1
        assert compile_expression("n = m", NAMES)({"n": big, "m": 10**40}) is False

    def test_has_at_most_34_digits_when_written(self) -> None:
        assert evaluated("1" * 34) == Decimal("1" * 34)
        assert "at most 34 digits" in said("n = " + "1" * 35)


class TestAText:
    def test_is_null_when_it_grows_beyond_10_000_characters(self) -> None:
        half = "x" * 5_000
        assert evaluated("activity + activity", STRING, activity=half) == half * 2
        assert evaluated("activity + activity", STRING, activity=half + "x") is None
        assert evaluated("upper case(activity)", STRING, activity="ß" * 5_001) is None

    @pytest.mark.parametrize(
        ("literal", "why"),
        [
            (r'"\d"', "not an escape"),
            (r'"\U110000"', "no character U+110000"),
            (r'"\uD83D"', "half a character"),
            ('"a', "not closed"),
            ('"a\nb"', "not closed"),
            ("'a'", 'double quotes: "like this"'),
            ("“a”", "straight double quotes"),
        ],
    )
    def test_is_refused_when_it_is_written_wrongly(self, literal: str, why: str) -> None:
        assert why in said(f"activity = {literal}")


class TestADateOrDuration:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ('opened = date("2012-02-30")', "not a day of the calendar"),
            ('opened = date("1 Feb 2012")', "not a date such as"),
            ('due = date and time("2012-02-01T10:00:00")', "no offset from UTC"),
            ('due = date and time("2012-02-01")', "not a date and time such as"),
            ('due = date and time("0001-01-01T00:00:00+01:00")', "not a moment"),
            ('age = duration("P1Y")', "not a duration such as"),
            ('age = duration("P")', "not a duration such as"),
            ('age = duration("PT")', "not a duration such as"),
            ('age = duration("P999999999DT24H")', "longer than a duration can be"),
            ("opened = date(activity)", "anything but one text in quotes"),
        ],
    )
    def test_is_refused_when_it_is_written_wrongly(self, text: str, why: str) -> None:
        assert why in said(text)

    @pytest.mark.parametrize(
        ("text", "length"),
        [
            ("PT4H", timedelta(hours=4)),
            ("P1DT2H3M4.05S", timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=50)),
            ("-P2D", -timedelta(days=2)),
            ("PT0S", timedelta(0)),
        ],
    )
    def test_is_read_as_iso_8601_has_it(self, text: str, length: timedelta) -> None:
        assert evaluated(f'duration("{text}")', DURATION) == length

    def test_compares_moments_whatever_their_offsets(self) -> None:
        text = 'due = date and time("2012-12-25T00:59:00+01:00")'
        due = datetime(2012, 12, 24, 23, 59, tzinfo=UTC)
        assert compile_expression(text, NAMES)({"due": due}) is True

    def test_compares_moments_also_on_the_night_when_clocks_go_back(self) -> None:
        twice = datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris"))
        asked = compile_expression('due = date and time("2024-10-27T01:30:00Z")', NAMES)
        assert asked({"due": twice}) is True
        assert asked({"due": twice.replace(fold=0)}) is False
        assert evaluated("due", DATE_TIME, due=twice) == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


class TestAValue:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("activity", 1),
            ("activity", b"a"),
            ("service_level", 1),
            ("n", 1.0),
            ("n", True),
            ("n", "1"),
            ("n", Decimal("NaN")),
            ("n", Decimal("Infinity")),
            ("b", 1),
            ("opened", datetime(2012, 2, 1, tzinfo=UTC)),
            ("opened", "2012-02-01"),
            ("due", datetime(2012, 2, 1)),
            ("due", date(2012, 2, 1)),
            ("due", datetime.max.replace(tzinfo=ZoneInfo("America/New_York"))),
            ("age", 5),
            ("tags", "abc"),
            ("tags", ["a", 1]),
            ("nothing", "a"),
        ],
    )
    def test_of_the_wrong_type_is_a_broken_rule(self, name: str, value: object) -> None:
        wanted = NAMES[name]
        text, kind = (f"{name} = null", BOOLEAN) if wanted == NULL else (name, wanted)
        with pytest.raises(TypeError, match=f"^{name} takes a "):
            evaluated(text, kind, **{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("activity", "a"),
            ("n", Decimal("1.5")),
            ("n", 3),
            ("b", False),
            ("opened", date(2012, 2, 1)),
            ("due", datetime(2012, 2, 1, tzinfo=UTC)),
            ("age", timedelta(1)),
            ("tags", ("a", None)),
        ],
    )
    def test_is_read_as_it_is(self, name: str, value: object) -> None:
        assert evaluated(name, NAMES[name], **{name: value}) == value

    def test_may_be_a_list_that_is_written_out(self) -> None:
        assert evaluated('["a", activity, null]', ListOf(STRING)) == ("a", None, None)


class TestATypeProblem:
    @pytest.mark.parametrize(
        ("text", "column", "what", "remedy"),
        [
            ("servicelevel = 1", 1, "not a known name", "Did you mean service_level? Known names:"),
            ("Activity = 1", 1, "not a known name", "Did you mean activity?"),
            ("zzz = 1", 1, "not a known name", "Known names: activity, age, b, backup_level,"),
            ("n = activity", 3, "A number is never compared with a string", "one type"),
            ('n = "1"', 3, "A number is never compared with a string", "Take the quotes away"),
            ("activity = 1", 10, "A string is never compared with a number", "in quotes"),
            ('opened > "2012-02-01"', 8, "never compared", 'Write date("2012-02-01").'),
            ("opened = due", 8, "A date is never compared with a date and time", ""),
            ("b < true", 3, "A boolean has no order for <", "Use = or !="),
            ("b between false and true", 21, "A boolean has no order", ""),
            ("1 < n < 5", 7, "A boolean is never compared with a number", "two comparisons"),
            ('activity - "a" = "b"', 10, "- takes two numbers, not a string and a string", ""),
            ('n + "a" = "b"', 3, "+ takes two numbers or two strings", ""),
            ("-activity = 1", 2, "Unary minus takes a number, this is a string", ""),
            ("b and activity", 7, "and takes a boolean, this is a string", ""),
            ("n or b", 1, "or takes a boolean, this is a number", ""),
            ("not(n)", 5, "not takes a boolean", ""),
            ("contains(activity, n)", 20, "contains takes a string, this is a number", ""),
            ("contains(activity)", 1, "contains takes 2 and is given 1", ""),
            ("contain(activity, activity)", 1, "not a known function", "Did you mean contains?"),
            ("activity", 1, "The expression is a string, wanted is a boolean", "Write a condition"),
            ("null", 1, "A null never decides", "x = null"),
            ("b and null", 7, "A null never decides", ""),
            ("null < 1", 1, "A null never decides", ""),
            ("n in (< null)", 9, "A null never decides", ""),
            ("n in [null..5]", 7, "A null never decides", ""),
            ("null in (1, 2)", 1, "A null never decides", ""),
            ("nothing = 1", 1, "A null never decides", ""),
            ("opened + age = opened", 8, "Arithmetic on dates and durations is part of FEEL", ""),
            ("n in (1, activity)", 10, "A number is never compared with a string", ""),
            ('n in [1, "a"]', 6, "The list mixes a number and a string", "one type"),
            ("n in [[1], [2]]", 6, "A list of lists or ranges is part of FEEL", ""),
            ("n in tags", 6, "A number is never compared with a string", ""),
            ("tags = tags", 6, "= does not compare lists", "Use in"),
            ("[1..5] = n", 8, "= does not compare lists or ranges", "Use in"),
            ('n in ["a".."b"]', 6, "A number is never compared with a string", ""),
            ("n between 1 and activity", 17, "A number is never compared with a string", ""),
            ("colour = service_level", 8, "have no value in common", ""),
        ],
    )
    def test_says_where_what_and_the_remedy(
        self, text: str, column: int, what: str, remedy: str
    ) -> None:
        (problem,) = set(problems(text)[:1])
        assert problem.column == column
        assert what in problem.what
        assert remedy in problem.remedy

    def test_is_found_with_all_the_others(self) -> None:
        found = problems('servicelevel = 1 and n + "a" = 3 and b < true')
        assert [problem.column for problem in found] == [1, 24, 40]

    def test_is_not_said_twice(self) -> None:
        assert len(problems("n in [zzz + 1, 2]")) == 1


class TestAChoice:
    @pytest.mark.parametrize(
        "text",
        [
            'service_level = "premum"',
            '"premum" != service_level',
            'service_level in ("basic", "premum")',
            'service_level in ["basic", "premum"]',
            'service_level in (!= "premum")',
            'service_level < "premum"',
            'service_level between "basic" and "premum"',
        ],
    )
    def test_is_never_what_it_does_not_allow(self, text: str) -> None:
        (problem,) = problems(text)
        assert problem.column == text.index('"premum') + 1
        assert problem.what == 'service_level is never "premum", allowed: basic, premium.'
        assert problem.remedy == 'Did you mean "premium"?'

    def test_is_compared_with_strings_and_choices_that_it_can_equal(self) -> None:
        level = {"service_level": "basic", "backup_level": "basic", "activity": "basic"}
        for other in ("backup_level", "activity", '"basic"', 'lower case("BASIC")'):
            assert compile_expression(f"service_level = {other}", NAMES)(level) is True

    def test_can_be_wanted(self) -> None:
        wanted = Choice(("basic", "premium", "gold"))
        assert evaluated("service_level", wanted, service_level="basic") == "basic"
        assert evaluated('"gold"', wanted) == "gold"
        assert 'never "silver"' in said('"silver"', wanted)
        assert "wanted is one of" in said("activity", wanted)
        assert "wanted is one of" in said("backup_level", Choice(("basic", "premium")))

    def test_has_at_least_one_value(self) -> None:
        with pytest.raises(ValueError, match="at least one value"):
            Choice(())


class TestASyntaxProblem:
    @pytest.mark.parametrize(
        ("text", "column", "what"),
        [
            ("", 1, "The expression is empty"),
            ("   ", 4, "The expression is empty"),
            ("n =", 4, "ends too soon, after ="),
            ("(n = 1", 7, "ends too soon"),
            ("n = 1)", 6, ") cannot stand here"),
            ("n in ()", 7, ") cannot stand here"),
            ("n in []", 6, "A list without items"),
            ("n = = 1", 5, "= cannot stand here"),
            ("n == 1", 3, "== is not an operator"),
            ("n ! 1", 3, "! is not an operator"),
            ("n = §", 5, "has no meaning here"),
            ("not b", 1, "not takes parentheses"),
            ("n in (1, 2..3)", 11, ".. cannot stand here"),
            ("5apples = 1", 2, "apples cannot stand here"),
        ],
    )
    def test_says_where_and_what(self, text: str, column: int, what: str) -> None:
        (problem,) = problems(text)
        assert problem.column == column
        assert what in problem.what
        assert problem.remedy

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("service level = 1", 'A name with a space ("service level")'),
            ("if b then b else b", "if ... then ... else"),
            ("for x in tags return x", "for ... return"),
            ("some x in tags satisfies x", "some ... satisfies"),
            ("every x in tags satisfies x", "every ... satisfies"),
            ("function(x) x", "A function definition"),
            ("{a: 1}", "A context in { }"),
            ("tags[1]", "A filter in [ ]"),
            ("case.opened", "A path with a point"),
            ("n instance of number", "instance of"),
            ('@"2012-02-01"', "A literal with @"),
            ("? > 5", "The input value ?"),
            ('contains(string: "a", match: "b")', "A named argument"),
            ("n = 1 // one", "A comment"),
            ("count(tags) = 1", "The function count"),
            ('substring before("foobar", "bar") = "foo"', "The function substring before"),
            ('time("10:00:00") = opened', "The function time"),
        ],
    )
    def test_names_the_part_of_feel_that_is_not_here_yet(self, text: str, part: str) -> None:
        assert f"{part} is part of FEEL, not supported here yet." in said(text)


class TestALimit:
    def test_of_length_is_2_000_characters(self) -> None:
        assert compile_expression("true".ljust(2_000), {})({}) is True
        assert "2001 characters" in said("true".ljust(2_001))

    @pytest.mark.parametrize(
        "text",
        [
            "(" * 1_000,
            "(" * 60 + "true" + ")" * 60,
            "-" * 1_000 + "1",
            "[" * 500,
            "not(" * 400,
            "1" + "+1" * 900,
            "1" + "=1" * 900,
            "n in (" * 300,
            "a or b and c=d+e*f**(" * 90,
        ],
    )
    def test_of_nesting_is_50(self, text: str) -> None:
        assert "more than 50 deep" in said(text)

    def test_of_nesting_does_not_count_and_or(self) -> None:
        assert compile_expression(" and ".join(["true"] * 222), {})({}) is True
        assert compile_expression(" or ".join(["b"] * 330), NAMES)({"b": False}) is False

    @pytest.mark.parametrize("step", ["b in [{}]", "({}) in (b, n = 1)", "(({}) in (b)) = b"])
    def test_of_nesting_keeps_the_work_linear(self, step: str) -> None:
        text = "b"
        for _ in range(22):
            text = step.format(text)
        started = process_time()
        assert compile_expression(text, NAMES)({"b": True, "n": 2}) is True
        assert process_time() - started < 1  # a part that is looked at twice doubles at each level


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('service_level = "premium"', "service level is “premium”"),
            ('activity in ("Wait", "Closed")', "activity is one of “Wait”, “Closed”"),
            ('activity in ["Wait"]', "activity is “Wait”"),
            ('not(activity in ("Wait", "x"))', "not (activity is one of “Wait”, “x”)"),
            ('activity != "a" and n >= 5', "activity is not “a” and n is at least 5"),
            ("n < 1 or n > 2 and b", "n is below 1 or (n is above 2 and b is true)"),
            ("5 < n", "n is above 5"),
            ("not(n <= 5)", "n is above 5"),
            ("not(n < 5)", "n is at least 5"),
            ("n in (< 1, > 2) and b", "(n is below 1 or is above 2) and b is true"),
            ("not(b)", "b is false"),
            ("b = true", "b is true"),
            ("n = null and m != null", "n is missing and m is given"),
            ("n between 1 and 5 and b", "(n is at least 1 and at most 5) and b is true"),
            ("n in (1..5]", "n is above 1 and at most 5"),
            ("n in (1, 2, < 0, null)", "n is one of 1, 2 or is below 0 or is missing"),
            ('"a" in tags', "“a” is in tags"),
            ("n + 1 > -(2 * m)", "n + 1 is above −(2 × m)"),
            ('opened < date("2012-02-01")', "opened is before 2012-02-01"),
            ("due >= due", "due is not before due"),
            (
                'due > date and time("2012-02-01T10:00:00+01:00")',
                "due is after 2012-02-01 09:00:00 UTC",
            ),
            ('age > duration("P1DT1H0.5S")', "age is above 1 day 1 hour 0.5 seconds"),
            ('age > duration("-PT2M")', "age is above −2 minutes"),
            ('age = duration("PT0S")', "age is 0 seconds"),
            ('contains(activity, "a")', "activity contains “a”"),
            ('starts with(activity, "a")', "activity starts with “a”"),
            ('upper case(activity) = "A"', "activity in upper case is “A”"),
            ("string length(activity) = 1", "the length of activity is 1"),
            ("(n = 1) = (m = 2)", "(n is 1) is (m is 2)"),
        ],
    )
    def test_read_back_what_is_asked(self, text: str, words: str) -> None:
        assert compile_expression(text, NAMES).in_words() == words


class TestAnExpression:
    def test_knows_its_text_type_and_names(self) -> None:
        found = compile_expression("n + m", NAMES, wanted=NUMBER)
        assert (found.text, found.type, found.names) == ("n + m", NUMBER, frozenset({"n", "m"}))

    def test_may_read_names_that_look_like_functions(self) -> None:
        names: dict[str, Type] = {"starts": BOOLEAN, "date": BOOLEAN, "time": BOOLEAN}
        asked = compile_expression("starts and date and time", names)
        assert asked({"starts": True, "date": True, "time": False}) is False

    def test_has_a_way_for_every_kind_of_node(self) -> None:
        nodes = set(Node.__args__)
        beside_in = {node for node in nodes if node.__name__ in {"Range", "Test"}}
        assert set(_WORDS) == nodes
        assert set(_COMPILERS) == nodes - beside_in
        assert {node for node in nodes if node not in _CHECKS} <= beside_in
