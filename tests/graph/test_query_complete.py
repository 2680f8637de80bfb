"""A search that is being typed is told what may come next, and where it would stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.query_complete import Expected, complete

KEYS = ("metrics.acc", "metrics.loss", "params.learning rate", "params.lr")


@pytest.mark.parametrize(
    ("text", "expected", "start", "first"),
    [
        ("", Expected.FIELD, 0, "archived"),
        ("me", Expected.FIELD, 0, "metrics.acc"),
        ("metrics.", Expected.FIELD, 0, "metrics.acc"),
        ("loss", Expected.FIELD, 0, "metrics.loss"),
        ("stat", Expected.FIELD, 0, "state"),
        ("(stat", Expected.FIELD, 1, "state"),
        ("not pin", Expected.FIELD, 4, "pinned"),
        ("data", Expected.FIELD, 0, "dataset:"),
        ('params."lear', Expected.FIELD, 0, "params.`learning rate`"),
        ("metrics.loss ", Expected.OPERATOR, 13, "="),
        ("metrics.loss be", Expected.OPERATOR, 13, "between"),
        ("metrics.loss not ", Expected.OPERATOR, 17, "="),
        ("metrics.loss > 1 ", Expected.JOIN, 17, "and"),
        ("metrics.loss > 1 o", Expected.JOIN, 17, "or"),
        ("metrics.loss > 1 and ", Expected.FIELD, 21, "archived"),
        ("metrics.loss is null ", Expected.JOIN, 21, "and"),
        ("metrics.loss in (1, 2) ", Expected.JOIN, 23, "and"),
        ("metrics.loss between 1 and 2 ", Expected.JOIN, 29, "and"),
        ("'word' ", Expected.JOIN, 7, "and"),
        ("dataset:x ", Expected.JOIN, 10, "and"),
        ("word ", Expected.OPERATOR, 5, "="),
        ("pinned = true nonsense ", Expected.JOIN, 23, "and"),
        ("word and ", Expected.FIELD, 9, "archived"),
        ("state = ", Expected.VALUE, 8, "'NEW'"),
        ("state = 'FA", Expected.VALUE, 8, "'FAILED'"),
        ("state in ('FAILED', ", Expected.VALUE, 20, "'NEW'"),
        ("pinned = t", Expected.VALUE, 9, "true"),
        ("started > -", Expected.VALUE, 10, "-1h"),
    ],
)
def test_a_place_waits_for_something(text: str, expected: Expected, start: int, first: str) -> None:
    found = complete(text, len(text), KEYS)
    assert (found.expected, found.start, found.end) == (expected, start, len(text))
    assert found.choices[0] == first


@pytest.mark.parametrize("text", ["metrics.loss > ", "params.x between 1 and ", "zzz = "])
def test_a_value_that_only_people_know_has_no_choices(text: str) -> None:
    found = complete(text, len(text), KEYS)
    assert found.expected is Expected.VALUE
    assert found.choices == ()


def test_a_value_knows_what_it_is_compared_with() -> None:
    assert complete("param.x = ", 10).field == "params.x"


def test_the_place_may_be_in_the_middle() -> None:
    assert complete("sta = 'x'", 3).choices[0] == "started"


@given(st.text(max_size=20), st.integers(0, 20))
def test_any_text_may_be_completed(text: str, position: int) -> None:
    found = complete(text, position, KEYS)
    assert 0 <= found.start <= max(position, len(text))
