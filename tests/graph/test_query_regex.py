"""Regular expressions in searches are bounded: what may take for ever is refused beforehand."""

from __future__ import annotations

import pytest

from mendel.graph.query_regex import check_regex


@pytest.mark.parametrize(
    "pattern",
    ["", "abc", "^gbdt-[0-9]+$", "a.*b.*c", r"\d{4}-\d{2}", "(?i)best", "(?:ab)+", "a|b|c",
     "[]a]+", "[^]]*", r"[\]a]", "(?P<x>a)", "x?", "(a|b)?", "(a|b){3}"[:5] + "", r"\0", "a{2,}",
     "(?i:a)", "(abc)*", r"\\+"],
)  # fmt: skip
def test_a_tame_pattern_is_taken(pattern: str) -> None:
    assert check_regex(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(a+)+b", "for ever"),
        ("(a|a)*b", "for ever"),
        ("(a|ab){2,9}", "for ever"),
        ("((ab)*)*", "for ever"),
        ("(a?){50}", "for ever"),
        ("(?:x(?:y+))*", "for ever"),
        ("a*a*a*a*a*b", "more than 4 open repeats"),
        ("a{1,200}" * 5, "more than 4 open repeats"),
        ("(?=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"(a)\1", "back references"),
        ("(?P<x>a)(?P=x)", "back references"),
        ("(a)(?(1)b|c)", "conditions"),
        ("[", "no regular expression"),
        ("x" * 1001, "more than 1000 characters"),
    ],
)
def test_a_pattern_that_may_take_for_ever_is_refused(pattern: str, problem: str) -> None:
    found = check_regex(pattern)
    assert found is not None
    assert problem in found
