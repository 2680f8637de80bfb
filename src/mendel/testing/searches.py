"""Hypothesis strategies for searches and for the values that they judge.

Few names and few values, so that what is searched and what is there meet often.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from mendel.graph.query_tree import (
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
    Leaf,
    Like,
    Literal,
    Not,
    Or,
    OrderTerm,
    Regex,
    Word,
)

if TYPE_CHECKING:
    from mendel.graph.values import Value

NOW = 1_800_000_000.0

FIELDS = (
    "params.a",
    "params.b.c",
    "metrics.loss",
    "metrics.val/acc",
    "tags.odd name",
    "git.commit",
)
LARGE = (2**53, 2**53 + 1, -(2**53) - 1, 2**63, 10**30, 10**399)
TEXTS = ("", "a", "A", "b", "ab", "a%b", "a_b", "10", "1.5", "-3e2", "true", "False", "nan", "é",
         "ß", "SS", "2026-11-23", "it's", "x\ny", "\\", "0x1", "１")  # fmt: skip
_MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
TIMES = (
    _MOMENT,
    _MOMENT.replace(tzinfo=None),
    _MOMENT.astimezone(timezone(timedelta(hours=5))),
    datetime.fromtimestamp(NOW, UTC),
)

numbers: st.SearchStrategy[int | float] = st.one_of(
    st.integers(-3, 11),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 1.5, 10.0, -300.0, 2.0**53, 2.0**63, 1e30]),
    st.sampled_from([float("inf"), float("-inf")]),
    st.sampled_from(LARGE),
    st.floats(allow_nan=False),
)
literals: st.SearchStrategy[Literal] = st.one_of(
    numbers,
    st.booleans(),
    st.sampled_from(TEXTS),
    st.text(max_size=3),
    st.builds(FromNow, st.sampled_from([0.0, -86400.0, -1.5, 3600.0])),
)
values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    st.just(float("nan")),
    st.sampled_from(TEXTS),
    st.text(max_size=3),
    st.sampled_from(TIMES),
    st.lists(st.one_of(st.sampled_from(TEXTS), st.integers(0, 3), st.none()), max_size=3),
    st.sampled_from([{}, {"k": 1}]),
)
_fields = st.sampled_from(FIELDS)
_patterns = st.text("ab%_\\é*", max_size=4)
_regexes = st.sampled_from(["a", "^a", "b$", "a|b", "[ab]+", "(?i)A", "^$", r"\d", "a.b", "é"])
_ops = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_lineage = st.sampled_from(
    ["artifact.inputs", "artifact.outputs", "artifact.datasets", "artifact.models"]
)

leaves: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(Compare, _fields, _ops, literals),
    st.builds(In, _fields, st.lists(literals, max_size=4).map(tuple), st.booleans()),
    st.builds(Between, _fields, literals, literals, st.booleans()),
    st.builds(IsNull, _fields),
    st.builds(IsNan, _fields),
    st.builds(Like, _fields, _patterns, st.booleans(), st.sampled_from(["\\", "!"]), st.booleans()),
    st.builds(Regex, _fields, _regexes, st.booleans()),
    st.builds(Contains, _fields, literals, st.booleans()),
    st.builds(Has, _lineage, st.sampled_from(["a", "a*", "*", "*b*", "é", "b", "a*b"])),
    st.builds(Word, st.sampled_from(["a", "AB", "ss", "é", "x\ny", "1"])),
)


def _branches(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    # one part is no branch: the parser gives the part itself
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, parts), st.builds(Or, parts))


trees: st.SearchStrategy[Expr] = st.recursive(leaves, _branches, max_leaves=8)

_texts: st.SearchStrategy[Value] = st.lists(
    st.sampled_from(["a", "ab", "b", "é", "xSSx", "A\nb"]), max_size=3
)
documents: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(FIELDS, values),
        "artifact.inputs": _texts,
        "artifact.outputs": _texts,
        "artifact.datasets": _texts,
        "artifact.models": _texts,
        "text": _texts,
    },
)
orders: st.SearchStrategy[tuple[OrderTerm, ...]] = st.lists(
    st.builds(OrderTerm, _fields, st.booleans()), max_size=3
).map(tuple)
