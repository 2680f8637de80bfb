"""Reads a search into its tree, by recursive descent; every error points at its character."""

from __future__ import annotations

import math

from mendel.graph.errors import QueryError, did_you_mean
from mendel.graph.query_cursor import Cursor
from mendel.graph.query_field import (
    CAPTURED,
    DRAWERS,
    LINEAGE,
    NAMES,
    FieldKind,
    kind_of,
)
from mendel.graph.query_lex import Kind, Token
from mendel.graph.query_literal import comparison, full_name, suited
from mendel.graph.query_regex import check_regex
from mendel.graph.query_tree import (
    EVERYTHING,
    And,
    Between,
    Compare,
    Contains,
    Expr,
    FromNow,
    Has,
    In,
    IsNan,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Regex,
    Word,
    is_nan,
)

MAX_DEPTH = 100
MAX_TEXT = 1_000_000
DAY = 86400.0
MILLISECONDS_FROM = (
    1e11  # a time above it (the year 5138) is meant in milliseconds, as MLflow's are
)

_OPERATORS = {"==": "=", "<>": "!=", "=": "=", "!=": "!="} | {
    op: op for op in ("<", "<=", ">", ">=")
}
_SWAPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
KEYWORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "between",
        "is",
        "like",
        "ilike",
        "contains",
        "escape",
        "null",
        "none",
        "nan",
        "true",
        "false",
    ]
)
_WORD_OPERATORS = ("in", "between", "is", "like", "ilike", "contains", "not")


def parse_filter(text: str) -> Expr:
    """Return the tree of a search; an empty one takes everything."""
    if len(text) > MAX_TEXT:
        raise QueryError(
            f"a search of {len(text):,} characters; at most {MAX_TEXT:,} are read.", text[:60], 0
        )
    parser = Parser(text)
    if parser.at(Kind.END):
        return EVERYTHING
    expr = parser.either(0)
    if not parser.at(Kind.END):
        raise parser.rest()
    return expr


class Parser(Cursor):
    """One reading of one text."""

    def __init__(self, text: str) -> None:
        super().__init__(text, LINEAGE)

    def rest(self) -> QueryError:
        """Return the error of a text that goes on where it could end."""
        if self.now.value == ")" and self.at(Kind.SYMBOL):
            return self.error("this ')' closes nothing.")
        near = did_you_mean(self.word(), ("and", "or")) if self.word() else ""
        near = near if near.startswith("; did") else ""
        return self.error(
            f"expected 'and', 'or' or the end, not {self.shown()}{near}.".replace("?.", "?")
        )

    # -- and, or, not --

    def either(self, depth: int) -> Expr:
        """Read ``a or b or …``."""
        parts = [self.both(depth)]
        while self.keyword("or") or self.symbol("||"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Expr:
        """Read ``a and b and …``."""
        parts = [self.negation(depth)]
        while self.keyword("and") or self.symbol("&&"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Expr:
        """Read ``not a``, ``(…)`` or a single term."""
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep; write it with fewer parentheses.")
        if (self.word() == "not") or (self.at(Kind.SYMBOL) and self.now.value == "!"):
            self.take()
            return Not(self.negation(depth + 1))
        if self.symbol("("):
            expr = self.either(depth + 1)
            self.expect(")")
            return expr
        return self.term()

    # -- terms --

    def term(self) -> Expr:
        """Read a term: a test of a field, a lineage predicate or free text."""
        token = self.now
        if token.kind is Kind.TEXT or (token.kind is Kind.NAME and self._is_free()):
            return self.words()
        if token.kind is Kind.NAME:
            return self.test(self.field())
        if token.kind is Kind.PATTERN:
            return self.lineage()
        if token.kind in {Kind.NUMBER, Kind.SPAN, Kind.DATE}:
            return self.turned()
        raise self.error(f"expected a term such as metrics.auc > 0.9 here, not {self.shown()}.")

    def _operator_follows(self) -> bool:
        after = self.following
        if after.kind is Kind.SYMBOL:
            return after.value in _OPERATORS or after.value in {"=~", "!~"}
        word = self.word(after)
        if word == "not":
            return self.word(self._tokens[self._place + 2]) in _WORD_OPERATORS
        return word in _WORD_OPERATORS

    def _is_free(self) -> bool:
        """Tell whether a name is a word to look for: it stands alone and is no known field."""
        word = self.word()
        if word in KEYWORDS:
            raise self.error(f"expected a term such as metrics.auc > 0.9 here, not {self.shown()}.")
        if self._operator_follows() or self.now.quoted:
            return False
        parts = self.now.parts
        return len(parts) == 1 and parts[0] not in NAMES and parts[0] not in CAPTURED

    def words(self) -> Expr:
        """Read free text: words side by side must all be found."""
        parts: list[Expr] = []
        while self.at(Kind.TEXT) or (
            self.at(Kind.NAME) and self.word() not in {"and", "or", "not"} and self._is_free()
        ):
            token = self.take()
            text = token.value if token.kind is Kind.TEXT else self.text[token.start : token.end]
            parts.append(Word(str(text)))
            if token.kind is Kind.TEXT and self.now.value in _OPERATORS:
                raise self.error(
                    f"{self.shown(token)} is a text, and a field must stand on the left; a field "
                    'with odd characters is written params."learning rate".',
                    token,
                )
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def lineage(self) -> Expr:
        """Read ``dataset:flights*`` and its like."""
        token = self.take()
        word, pattern = token.parts
        if not pattern:
            raise self.error("expected the name, id or uri of an artifact after the colon, or *.")
        tests = tuple(Has(field, pattern) for field in LINEAGE[word])
        return tests[0] if len(tests) == 1 else Or(tests)

    def field(self) -> str:
        """Read a field and return its full name."""
        return full_name(self.take(), self.text)

    def test(self, field: str) -> Expr:
        """Read what follows a field."""
        start = self.now
        if self.at(Kind.SYMBOL) and self.now.value in _OPERATORS:
            op = _OPERATORS[str(self.take().value)]
            return self.compared(field, op)
        if self.symbol("=~"):
            return Regex(field, self.regex())
        if self.symbol("!~"):
            return Regex(field, self.regex(), negated=True)
        negated = self.keyword("not")
        word = self.word()
        if word in _WORD_OPERATORS and word != "not":
            self.take()
            return self.word_test(field, word, start, negated=negated)
        if kind_of(field) is FieldKind.BOOL and not negated:
            return Compare(field, "=", value=True)
        raise self.error(
            f"expected an operator after {field!r}, not {self.shown()}; there are: = != < <= > >= "
            "=~ !~ in, not in, between, is null, is nan, like, ilike, contains."
        )

    def word_test(self, field: str, word: str, start: Token, *, negated: bool) -> Expr:
        """Read what follows an operator that is a word."""
        if word == "is":
            return self.state_of_being(field, start, negated=negated)
        if word == "in":
            return self.membership(field, negated=negated)
        if word == "between":
            return self.range(field, negated=negated)
        if word == "contains":
            return Contains(field, self.literal(field)[0], negated=negated)
        return self.like(field, ignore_case=word == "ilike", negated=negated)

    def compared(self, field: str, op: str) -> Expr:
        """Read the right side of a comparison."""
        value, token = self.literal(field, nothing=True)
        return comparison(field, op, value, token, self.text)

    def turned(self) -> Expr:
        """Read a comparison with the value on the left: ``0.9 < metrics.auc``."""
        place = self._place
        self.take()
        if not self.at(Kind.SYMBOL) or self.now.value not in _OPERATORS:
            self._place = place
            raise self.error(f"expected a field here, not {self.shown()}; text needs quotes.")
        op = _SWAPPED[_OPERATORS[str(self.take().value)]]
        if not self.at(Kind.NAME):
            raise self.error(f"expected a field here, not {self.shown()}.")
        field = self.field()
        after, self._place = self._place, place
        value, token = self.literal(field)
        self._place = after
        return comparison(field, op, value, token, self.text)

    def state_of_being(self, field: str, start: Token, *, negated: bool) -> Expr:
        """Read what follows ``is``."""
        if negated:
            raise self.error("write 'is not null' instead of 'not is null'.", start)
        negated = self.keyword("not")
        if self.keyword("null", "none", "missing"):
            expr: Expr = IsNull(field)
        elif self.at(Kind.NUMBER) and is_nan(self.now.value):
            self.take()
            expr = IsNan(field)
        elif self.word() in {"true", "false"}:
            return Compare(field, "!=" if negated else "=", self.literal(field)[0])
        else:
            raise self.error(f"expected null, nan, true or false after 'is', not {self.shown()}.")
        return Not(expr) if negated else expr

    def membership(self, field: str, *, negated: bool) -> Expr:
        """Read ``(a, b, …)`` after ``in``."""
        self.expect("(")
        values: list[Literal] = []
        while not self.symbol(")"):
            values.append(self.literal(field)[0])
            if not self.symbol(","):
                self.expect(")")
                break
        return In(field, tuple(values), negated)

    def range(self, field: str, *, negated: bool) -> Expr:
        """Read ``low and high`` after ``between``."""
        low, _ = self.literal(field)
        if not self.keyword("and"):
            raise self.error(f"expected 'and' between the two ends, not {self.shown()}.")
        high, _ = self.literal(field)
        return Between(field, low, high, negated)

    def like(self, field: str, *, ignore_case: bool, negated: bool) -> Expr:
        """Read the pattern after ``like`` or ``ilike``."""
        pattern = self.pattern("a pattern in quotes, such as '%gbdt%'")
        escape = "\\"
        if self.keyword("escape"):
            token = self.now
            escape = self.pattern("a character in quotes")
            if len(escape) != 1 or escape in "%_":
                raise self.error("escape takes one character, neither % nor _.", token)
        return Like(field, pattern, ignore_case, escape, negated)

    def pattern(self, what: str) -> str:
        """Read a text that must be in quotes."""
        if not self.at(Kind.TEXT):
            raise self.error(f"expected {what}, not {self.shown()}.")
        return str(self.take().value)

    def regex(self) -> str:
        """Read a regular expression."""
        token = self.now
        pattern = self.pattern("a regular expression in quotes, such as '^gbdt-[0-9]+$'")
        problem = check_regex(pattern)
        if problem:
            raise self.error(problem, token)
        return pattern

    # -- values --

    def literal(self, field: str, *, nothing: bool = False) -> tuple[Literal, Token]:
        """Read a value to compare with, as the field's kind takes it.

        With ``nothing`` null comes back as the text ``null`` with its token, and nan as itself.
        """
        token = self.now
        value = self._raw(field)
        if value is None or is_nan(value):
            if nothing:
                return (math.nan if value is not None else ""), token
            word = "null" if value is None else "nan"
            raise self.error(
                f"{word} cannot stand here; write '{field} is {word}' beside it.", token
            )
        return suited(field, value, token, self.text), token

    def _raw(self, field: str) -> Literal | None:
        token = self.take()
        if token.kind in {Kind.TEXT, Kind.NUMBER, Kind.DATE}:
            return token.value  # type: ignore[return-value]
        if token.kind is Kind.SPAN:
            assert isinstance(token.value, float)  # noqa: S101 - by the lexer
            if kind_of(field) is FieldKind.TIME:
                return FromNow(token.value)
            return int(token.value) if token.value.is_integer() else token.value
        if token.kind is Kind.NAME:
            return self._named(token)
        raise self.error(f"expected a value here, not {self.shown(token)}.", token)

    def _named(self, token: Token) -> Literal | None:
        word = self.word(token)
        if word in {"true", "false"}:
            return word == "true"
        if word in {"null", "none"}:
            return None
        if word == "now" and self.symbol("("):
            self.expect(")")
            return self._from_now()
        if word in KEYWORDS:
            raise self.error(f"expected a value here, not {self.shown(token)}.", token)
        if len(token.parts) > 1 and (token.quoted or token.parts[0].lower() in DRAWERS):
            raise self.error(
                f"{self.shown(token)} is a field, and a field is compared with a value; text needs "
                "quotes.",
                token,
            )
        return self.text[token.start : token.end]

    def _from_now(self) -> FromNow:
        if self.symbol("-"):
            sign = -1
        elif self.symbol("+") or self.at(Kind.SPAN):
            sign = 1
        else:
            return FromNow(0.0)
        token = self.take()
        if token.kind is not Kind.SPAN or not isinstance(token.value, float):
            raise self.error(f"expected a duration such as 7d, not {self.shown(token)}.", token)
        return FromNow(sign * token.value)
