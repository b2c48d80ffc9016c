"""
Conditions over named values, in a subset of FEEL, the expression language of OMG DMN.

An expression is parsed, type-checked against the names it may read, and compiled to closures.
A filter answers True, False or Undecided: a null never decides.
"""

from openbpo.values.expressions.deciding import deciding_values
from openbpo.values.expressions.expression import Expression, Undecided, compile_expression
from openbpo.values.expressions.problems import ExpressionRefused, Problem
from openbpo.values.expressions.types import (
    BOOLEAN,
    DATE,
    DATE_TIME,
    DURATION,
    NULL,
    NUMBER,
    STRING,
    Choice,
    ListOf,
    Type,
)

__all__ = [
    "BOOLEAN",
    "DATE",
    "DATE_TIME",
    "DURATION",
    "NULL",
    "NUMBER",
    "STRING",
    "Choice",
    "Expression",
    "ExpressionRefused",
    "ListOf",
    "Problem",
    "Type",
    "Undecided",
    "compile_expression",
    "deciding_values",
]
