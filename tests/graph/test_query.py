"""The search language: what it reads, what it says of a run, and where its errors point."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph import clock
from mendel.graph.errors import QueryError, WrongTypeError
from mendel.graph.query import (
    EVERYTHING,
    fields,
    leaves,
    matches,
    parse,
    parse_field,
    parse_order,
    unparse,
    unparse_order,
)
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
    Like,
    Not,
    Or,
    OrderTerm,
    Regex,
    Word,
    read_number,
)
from mendel.graph.values import MISSING, Value
from mendel.testing import searches

NOW = clock.parse_iso("2026-11-23T12:00:00Z")
DAY = 86400.0

RUN: dict[str, Value] = {
    "id": "01JD0000000000000000000000",
    "name": "gbdt-17",
    "state": "COMPLETE",
    "created": NOW - 3 * DAY,
    "duration": 5000.0,
    "pinned": True,
    "archived": False,
    "note": "Best so far",
    "params.lr": 0.1,
    "params.depth": 6,
    "params.model": "gbdt",
    "params.flag": True,
    "params.text": "10",
    "params.none": None,
    "params.list": ["a", 3],
    "params.when": datetime(2026, 11, 20, tzinfo=UTC),
    "params.big": 2**60 + 1,
    "params.learning rate": 0.3,
    "metrics.auc": 0.93,
    "metrics.nan": math.nan,
    "metrics.inf": math.inf,
    "metrics.val/loss": 0.25,
    "tags.stage": "final",
    "git.dirty": False,
    "artifact.inputs": ["flights", "s3://bucket/flights"],
    "artifact.outputs": ["model-1"],
    "artifact.datasets": ["flights"],
    "artifact.models": ["model-1"],
    "text": ["gbdt-17", "Best so far", "stage: final"],
}


def holds(text: str) -> bool:
    return matches(parse(text), lambda field: RUN.get(field, MISSING), NOW)


TRUE = """
metrics.auc > 0.9 and (params.model = 'x' or tags.stage in ('final')) and not params.lr > 2
metric.auc >= .93 && param.depth == 6 && !(tag.stage <> 'final')
METRICS.auc < 1 AND Params.depth IN (1, 6) OR params.x = 1
0.9 < metrics.auc
attributes.status = 'FINISHED' and attr.state != 'killed'
state = complete
state in ('SUCCEEDED', LOST)
run.name = "gbdt-17"
attributes."Run Name" = 'gbdt-17'
created > '2026-11-01' and created < 2026-11-22
created = '2026-11-20'
created != '2026-11-21'
created > -7d and created < -1d
created > now() - 7d and created <= now()
created < now() + 1h and created < 2h
attributes.start_time is null and create_time > 1664067852747
duration > 1h and duration < 2h and duration > 4999.5s and duration < '6000'
pinned and not archived
pinned = true and archived = 0 and pinned != 'false'
params.flag = true and params.flag = 1 and params.flag = 'TRUE' and params.flag != 'no'
params.text = 10 and params.text > 9.5 and params.text = '10'
params.lr = '0.1' and params.lr > '0.05' and params.lr != 'adam'
params.none is null and params.none is none and params.missing = null and params.missing is missing
params.lr is not null and params.lr != null and params.lr != nan
metrics.nan is nan and metrics.nan = nan and not metrics.nan is null and metrics.lr is not nan
metrics.inf = inf and metrics.inf > 1e308 and metrics.inf != -inf and metrics.auc < Infinity
metrics.inf is not null and params.flag is true and params.flag is not false
params.big = 1152921504606846977 and params.big != 1152921504606846976
params.when > '2026-11-19T12:00:00' and params.when = '2026-11-20' and params.when > now() - 4d
params.when != 3 and params.when != 'soon'
params.list contains 'a' and params.list contains 3 and params.list not contains 'b'
params.list = 3 or params.list != 3
params.model contains 'bd' and params.model not contains 'x' and params.model not contains 3
params.model like 'g%t' and params.model like '____' and params.model not like 'G%'
params.model ilike 'GB%' and params.model not ilike '%x%' and params.list like '_'
note like '%so far' and name like 'gbdt!-17' escape '!'
name != 'it''s' and name != "say ""x"" now" and params.model not like 'x\\\\'
name =~ '^gbdt-[0-9]+$' and name =~ "\\d" and name !~ 'x'
params.lr not in (1, 2, 'x') and params.model in ("gbdt",) and params.depth in (6.0)
params.lr not between 1 and 2 and params.depth between '6' and 6.5
params."learning rate" = 0.3 and params.`learning rate` < 1 and `params`.depth = 6
metrics.val/loss < 0.3 and metrics."val/loss" = 0.25
git.dirty = false and capture.git.dirty = false
dataset:flights and dataset:fl* and input:s3://bucket/* and output:model-1 and model:"model-1"
artifact:model-1 and artifact:flights and not dataset:nothing and dataset:*
best and 'SO FAR' and "stage: final"
best final
not nonsense
not params.missing = 1
""".strip().splitlines()

FALSE = """
metrics.auc > 0.93
params.missing = 1
params.missing != 1
params.missing not in (1)
params.missing not between 1 and 2
params.missing not like 'x'
params.missing !~ 'x'
params.missing not contains 'x'
metrics.nan != 1
metrics.nan > 0 or metrics.nan <= 0
params.none != 1
params.model > 3
params.model < 3
params.when > 3
params.when > 'soon'
params.list = 'a'
params.flag = 'no'
params.lr like '0%'
params.lr =~ '0'
params.lr contains 0
pinned = false
best nonsense
dataset:light
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_run_passes(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize("text", FALSE)
def test_a_run_does_not_pass(text: str) -> None:
    assert not holds(text)
    assert holds(f"not ({text})")


@pytest.mark.parametrize("text", [*TRUE, *FALSE])
def test_a_search_written_again_is_the_same_search(text: str) -> None:
    tree = parse(text)
    assert parse(unparse(tree)) == tree


@given(searches.trees)
def test_any_tree_comes_back_from_its_text(tree: Expr) -> None:
    text = unparse(tree)
    assert parse(text) == tree
    assert unparse(parse(text)) == text


def test_text_is_read_into_a_tree() -> None:
    assert parse("  ") == EVERYTHING
    assert parse("a b") == And((Word("a"), Word("b")))
    assert parse("state = 'killed'") == Compare("state", "=", "CANCELLED")
    assert parse("params.a.b = 1 or not metrics.c is null") == Or(
        (Compare("params.a.b", "=", 1), Not(IsNull("metrics.c")))
    )
    assert parse("ended between -1d and now()") == Between("ended", FromNow(-DAY), FromNow(0.0))
    assert parse("params.t in ()") == In("params.t", ())
    assert parse("params.a =~ 'x'") == Regex("params.a", "x")
    assert parse("params.a not ilike 'x'") == Like("params.a", "x", ignore_case=True, negated=True)
    assert parse("params.a contains 1") == Contains("params.a", 1)
    assert parse("metrics.x is nan") == IsNan("metrics.x")
    assert parse("input:a*:b-c") == Has("artifact.inputs", "a*:b-c")


def test_a_time_may_be_any_number() -> None:
    for number in ("1" * 400, "-1e300", "1e15", "inf", "0.1", "1664067852747", "99999999999.5"):
        tree = parse(f"created > {number}")
        assert parse(unparse(tree)) == tree
    assert parse("created > 1664067852747") == Compare("created", ">", 1664067852.747)
    assert parse(unparse(parse("script = '3.11'"))) == Compare("script", "=", "3.11")


def test_strange_names_and_texts_survive() -> None:
    strange = [
        "a b",
        "a`b",
        "a'b",
        'a"b',
        "a\\b",
        "a..b",
        ".",
        "\x00\n\t",
        "€/ü-1",
        "a.",
        "(",
        "is",
    ]
    for key in strange:
        tree = Compare(f"params.{key}", "=", key)
        assert parse(unparse(tree)) == tree


def test_the_same_field_has_one_full_name() -> None:
    for text in (
        "params.lr",
        "param.lr",
        "parameter.lr",
        "PARAMS.lr",
        'params."lr"',
        "params.`lr`",
    ):
        assert parse_field(text) == "params.lr"
    assert parse_field("status") == parse_field("attributes.state") == "state"
    assert parse_field("capture.git.commit") == parse_field("git.commit") == "git.commit"
    assert parse_field("capture.other.thing") == "capture.other.thing"
    assert parse_field("script") == "script"
    assert parse_field("metrics.loss.min") == "metrics.loss.min"


def test_an_order_is_read_in_one_text_or_term_by_term() -> None:
    expected = (OrderTerm("metrics.loss", descending=True), OrderTerm("name"), OrderTerm("state"))
    assert parse_order("metrics.loss DESC, name asc, status") == expected
    assert parse_order(["metric.loss descending", "name ascending", "state"]) == expected
    assert parse_order("-metrics.loss") == expected[:1]
    assert parse_order("-created desc") == (OrderTerm("created"),)
    assert parse_order("") == ()
    assert unparse_order(expected) == "metrics.loss desc, name, state"


def test_the_fields_of_a_search_are_told_once_each() -> None:
    tree = parse("metrics.a > 1 and (not name = 'x' or metrics.a < 3) and dataset:x and word")
    assert fields(tree) == ("metrics.a", "name", "artifact.datasets", "text")
    assert len(list(leaves(tree))) == 5


def test_now_is_the_clock_unless_told() -> None:
    assert matches(parse("created > -1h"), lambda _: clock.now())
    assert not matches(parse("created > -1h"), lambda _: 0.0)


ERRORS = [
    ("stat = 'x'", 0, "unknown attribute 'stat'; did you mean 'state'?"),
    ("parms.x = 1", 0, "did you mean 'params.x'?"),
    ("zzz = 1", 0, "params.zzz, metrics.zzz, tags.zzz"),
    ("zzz.y = 1", 0, "unknown attribute 'zzz.y'"),
    ("attributes.stat = 1", 0, "did you mean 'state'?"),
    ("params = 1", 0, "which of the params? Write params.name"),
    ('params."" = 1', 0, "which of the params"),
    ("metrics.auc >", 13, "expected a value here, not the end"),
    ("metrics.auc > and", 14, "expected a value here, not 'and'"),
    ("metrics.auc > (", 14, "expected a value here, not '('"),
    ("metrics.auc", 11, "expected an operator"),
    ("metrics.auc 3", 12, "there are: = != <"),
    ("metrics.auc not 3", 16, "expected an operator"),
    ("not pinned not", 14, "expected an operator"),
    ("and", 0, "expected a term"),
    ("not", 3, "expected a term"),
    ("metrics.a > 1 an params.b = 2", 14, "did you mean 'and'?"),
    ("metrics.a > 1 'x'", 14, "expected 'and', 'or' or the end"),
    ("metrics.a > 1)", 13, "closes nothing"),
    ("(metrics.a > 1", 14, "expected ')' here, not the end"),
    ("name = 'x", 7, "has no end"),
    ("metrics.a > 1 ; x", 14, "means nothing here"),
    ("metrics. > 1", 7, "ends in a dot"),
    ("metrics.a > 12x", 14, "is no unit of time"),
    ("metrics.a > 1.2.3", 12, "this is no number"),
    ("metrics.a > " + "1" * 401, 12, "more than 400 digits"),
    ("metrics.a < null", 12, "neither less nor more"),
    ("metrics.a > nan", 12, "neither less nor more"),
    ("metrics.a in (1, null)", 17, "write 'metrics.a is null' beside it"),
    ("metrics.a in (1, nan)", 17, "write 'metrics.a is nan' beside it"),
    ("metrics.a in 1", 13, "expected '(' here"),
    ("metrics.a in (1 2)", 16, "expected ')' here"),
    ("metrics.a between 1 or 2", 20, "expected 'and' between the two ends"),
    ("metrics.a is 3", 13, "expected null, nan, true or false"),
    ("metrics.a not is null", 10, "write 'is not null'"),
    ("name like x", 10, "expected a pattern in quotes"),
    ("name like 'x' escape '%'", 21, "neither % nor _"),
    ("name like 'x' escape 'ab'", 21, "one character"),
    ("name =~ x", 8, "expected a regular expression in quotes"),
    ("name =~ '['", 8, "no regular expression"),
    ("'a b' = 3", 0, "a field must stand on the left"),
    ("params.a = params.b", 11, "is a field"),
    ("params.a = `x`.y", 11, "is a field"),
    ("3", 0, "expected a field here"),
    ("3 < 4", 4, "expected a field here"),
    ("2026-11-23", 0, "text needs quotes"),
    ("state = 'finishd'", 8, "did you mean 'FINISHED'?"),
    ("created > 'yesterday'", 10, "write '2026-11-23'"),
    ("created > true", 10, "is a time"),
    ("created > now() - 7", 18, "expected a duration"),
    ("duration > 'long'", 11, "is a number"),
    ("duration > now()", 11, "is no time"),
    ("pinned = 3", 9, "is true or false"),
    ("pinned = 'x'", 9, "is true or false"),
    ("dataset: x", 9, "expected the name, id or uri"),
    ("dataset:", 8, "expected the name, id or uri"),
    ("(" * 200 + "a", 101, "nested more than 100 deep"),
    ("not " * 200 + "a", 404, "nested more than 100 deep"),
]


@pytest.mark.parametrize(("text", "place", "problem"), ERRORS, ids=[e[0][:40] for e in ERRORS])
def test_an_error_says_what_is_wrong_and_points_at_it(text: str, place: int, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert problem in caught.value.problem
    assert caught.value.position == place
    assert str(caught.value).endswith(" " * place + "^")


@pytest.mark.parametrize("text", ["", "3", "metrics.a x", "zzz"])
def test_what_is_no_field_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_field(text)


@pytest.mark.parametrize("text", ["3", "name x", "name desc x", "zzz desc", "name,,"])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_order(text)


def test_a_filter_is_a_text_of_some_length() -> None:
    with pytest.raises(WrongTypeError, match="a filter is a text"):
        parse(None)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="at most 1,000,000"):
        parse("x" * 1_000_001)


@given(
    st.text(max_size=30)
    | st.lists(
        st.sampled_from(
            [
                "(",
                ")",
                "and",
                "or",
                "not",
                "in",
                "is",
                "null",
                "=",
                "'x'",
                "params.a",
                "metrics.b",
                "1",
                "-7d",
                ",",
                "like",
                "between",
                "state",
                "now",
            ]
        )
    ).map(" ".join)
)
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        tree = parse(text)
    except QueryError as error:
        place = error.position
    else:
        assert parse(unparse(tree)) == tree
        place = 0
    assert 0 <= place <= len(text)


def test_ten_thousand_terms_are_read() -> None:
    tree = parse(" or ".join(f"params.x = {i}" for i in range(10_000)))
    assert isinstance(tree, Or)
    assert len(tree.parts) == 10_000
    assert matches(tree, lambda _: 9_999)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("-1.5e3", -1500.0), (".5", 0.5), ("+3", 3), ("1e999", math.inf), ("", None),
     ("1_0", None), ("nan", None), ("0x1", None), ("１", None), ("1" * 401, None)],
)  # fmt: skip
def test_texts_that_spell_a_number(text: str, number: float | None) -> None:
    assert read_number(text) == number
