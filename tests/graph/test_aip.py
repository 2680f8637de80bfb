"""AIP-160 filters of Google's lists are read into the same tree as searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph import aip, clock
from mendel.graph.errors import QueryError
from mendel.graph.query import EVERYTHING, matches
from mendel.graph.query_tree import And, Compare, Expr, Has, In, IsNull, Not, Or, OrderTerm
from mendel.graph.values import MISSING, Value

EITHER = Or((Compare("uri", "=", "a"), Compare("uri", "=", "b")))
TIME = "2026-11-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        ('display_name = "x"', Compare("display_name", "=", "x")),
        ("displayName=x", Compare("display_name", "=", "x")),
        (f'create_time >= "{TIME}"', Compare("created", ">=", clock.parse_iso(TIME))),
        ("update_time<2026-11-01", Compare("updated", "<", clock.parse_iso("2026-11-01"))),
        ("metadata.rows.number_value > 10", Compare("metadata.rows", ">", 10)),
        ('metadata."field:1".number_value = 10.0', Compare("metadata.field:1", "=", 10.0)),
        ('metadata.a.b.string_value = "10"', Compare("metadata.a.b", "=", "10")),
        ("metadata.ok.bool_value = true", Compare("metadata.ok", "=", value=True)),
        ("metadata.number_value = 3", Compare("metadata.number_value", "=", 3)),
        ("labels.env = prod", Compare("metadata.labels.env", "=", "prod")),
        ("labels.env:*", Not(IsNull("metadata.labels.env"))),
        ("labels.env:prod", In("metadata.labels.env", ("prod",))),
        ('display_name="gbdt*"', Has("display_name", "gbdt*")),
        ("display_name=gbdt*", Has("display_name", "gbdt*")),
        (
            'uri != "s3://*"',
            And((Not(IsNull("uri")), Not(Has("uri", "s3://*")))),
        ),
        ('in_context("projects/p/contexts/c1")', Has("in_context", "c1")),
        ('in_context("a", "b")', Or((Has("in_context", "a"), Has("in_context", "b")))),
        ('parent_contexts:"a, b"', Or((Has("parent_contexts", "a"), Has("parent_contexts", "b")))),
        ('child_contexts = "a"', Has("child_contexts", "a")),
        (
            "state=LIVE AND uri=a OR uri=b",  # OR binds closer
            And((Compare("state", "=", "LIVE"), EITHER)),
        ),
        ("NOT (uri=a) -uri=b", And((Not(Compare("uri", "=", "a")), Not(Compare("uri", "=", "b"))))),
        ("uri=a (uri=b)", And((Compare("uri", "=", "a"), Compare("uri", "=", "b")))),
    ],
)  # fmt: skip
def test_a_filter_is_read(text: str, tree: Expr) -> None:
    assert aip.parse(text) == tree


def test_a_node_is_judged_by_it() -> None:
    node: dict[str, Value] = {
        "display_name": "flights",
        "metadata.rows": 336_776,
        "in_context": ["c"],
    }
    text = 'display_name="fl*" AND metadata.rows.number_value > 300000 AND in_context("c")'
    assert matches(aip.parse(text), lambda field: node.get(field, MISSING))
    assert not matches(aip.parse("labels.x:*"), lambda field: node.get(field, MISSING))


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("nme = 'x'", 0, "did you mean 'name'?"),
        ("metadata = 1", 0, "no field 'metadata'"),
        ("uri", 3, "expected one of"),
        ("uri like 'x'", 4, "expected one of"),
        ("uri =", 5, "expected a value"),
        ("uri = and", 6, "expected a value"),
        ("= 3", 0, "expected a restriction"),
        ("(uri=a", 6, "expected ')'"),
        ("uri=a)", 5, "expected AND, OR or the end"),
        ("in_context(3)", 11, "expected a text"),
        ("in_context uri", 11, "expected '='"),
        ("create_time > 3", 14, "is a time"),
        ("create_time > 'soon'", 14, "no time in RFC 3339"),
        ("metadata.x.number_value = 'a'", 26, "no int or float"),
        ("metadata.x.bool_value = 1", 24, "no bool"),
        ("(" * 60, 51, "nested more than 50 deep"),
    ],
)
def test_an_error_points_at_what_is_wrong(text: str, place: int, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        aip.parse(text)
    assert problem in caught.value.problem
    assert caught.value.position == place


def test_an_order_is_read() -> None:
    assert aip.parse_order("create_time desc, display_name") == (
        OrderTerm("created", descending=True),
        OrderTerm("display_name"),
    )
    assert aip.parse_order("metadata.rows.number_value asc") == (OrderTerm("metadata.rows"),)
    assert aip.parse_order("") == ()


@pytest.mark.parametrize("text", ["3", "nonsense", "uri desc uri"])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        aip.parse_order(text)


_words = [
    "uri",
    "=",
    "'x'",
    "(",
    ")",
    "AND",
    "OR",
    "NOT",
    "-",
    ":",
    "*",
    "labels.a",
    "metadata.b.number_value",
    "3",
    "in_context",
    ",",
    "state",
]


@given(st.text(max_size=20) | st.lists(st.sampled_from(_words)).map(" ".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        aip.parse(text)
    except QueryError as error:
        place = error.position
    else:
        place = 0
    assert 0 <= place <= len(text)
