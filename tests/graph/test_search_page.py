"""The page of the search language says what the code does, and its examples hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mendel.graph import aip
from mendel.graph.errors import QueryError
from mendel.graph.query import matches, parse
from mendel.graph.query_complete import OPERATORS
from mendel.graph.query_field import (
    AGGREGATES,
    ATTRIBUTES,
    CAPTURED,
    DRAWERS,
    LINEAGE,
    STATES,
    FieldKind,
)
from mendel.graph.query_parse import KEYWORDS
from mendel.graph.values import MISSING, Value, loads

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "search.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


EXAMPLES = [line.split(maxsplit=1) for line in block("search").splitlines()]


def attribute_rows() -> list[str]:
    rows = []
    for attribute in ATTRIBUTES.values():
        kind = "text" if attribute.kind is FieldKind.STATE else attribute.kind.value
        also = " ".join(f"`{alias}`" for alias in attribute.aliases)
        rows.append(
            f"| `{attribute.name}` | {kind} | {attribute.meaning} | {also}{' ' * bool(also)}|"
        )
    return rows


def test_the_table_of_attributes_is_what_the_code_knows() -> None:
    table = PAGE.partition("<!-- attributes")[2].partition("<!-- end -->")[0].splitlines()
    assert table[3:] == attribute_rows()


@pytest.mark.parametrize(
    "word", [*AGGREGATES, *CAPTURED, *STATES, *{f"{word}:" for word in LINEAGE}]
)
def test_every_word_of_the_language_is_told(word: str) -> None:
    assert re.search(rf"[`.]{re.escape(word)}[`a-z]", PAGE), f"{word} is not told"


def test_every_operator_and_keyword_is_told() -> None:
    for word in {*OPERATORS, *KEYWORDS, *DRAWERS} - {"parameter", "capture", "in (", "not in ("}:
        assert word.strip() in PAGE, f"{word} is not told"


@pytest.mark.parametrize(("answer", "text"), EXAMPLES)
def test_an_example_holds(answer: str, text: str) -> None:
    run = loads(block("json"))
    assert isinstance(run, dict)
    known: dict[str, Value] = run
    assert matches(parse(text), lambda field: known.get(field, MISSING)) is (answer == "yes")


def test_the_error_is_the_one_that_is_shown() -> None:
    shown = PAGE.partition("## Errors")[2].partition("```text\n")[2].partition("```")[0]
    with pytest.raises(QueryError) as caught:
        parse("stat = 'FAILED'")
    assert str(caught.value) == shown.rstrip("\n")


def test_the_filters_of_lists_can_be_read() -> None:
    told = PAGE.partition("## Lists of artifacts")[2]
    for text in re.findall(r"`([^`]+)`", told):
        if any(sign in text for sign in "=>:(") and not text.startswith(("order_by", "Artifact")):
            aip.parse(text)
