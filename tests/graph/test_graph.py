"""Ids, times, errors and the small words of the graph."""

from __future__ import annotations

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph import clock, errors
from mendel.graph.errors import MendelError, QueryError, did_you_mean
from mendel.graph.run import RunRecord, RunState


def test_ids_sort_by_the_time_they_were_made() -> None:
    before = clock.now()
    ids = [clock.new_id() for _ in range(2000)]
    assert ids == sorted(set(ids))
    assert all(map(clock.is_id, ids))
    assert before - 0.001 <= clock.id_time(ids[0]) <= clock.now() + 0.001
    assert clock.day(ids[0]) == clock.iso(clock.id_time(ids[0]))[:10]


def test_a_forked_child_makes_ids_of_its_own() -> None:
    clock.new_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, clock.new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    assert clock.is_id(theirs)
    assert theirs != clock.new_id()
    clock._after_fork()
    assert clock.is_id(clock.new_id())


@pytest.mark.parametrize("text", ["", "x", "8" + "0" * 25, "0" * 25 + "I", "0" * 27])
def test_what_is_no_id(text: str) -> None:
    assert not clock.is_id(text)


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_comes_back_from_its_text(micros: int) -> None:
    text = clock.iso(micros / 1e6)
    assert clock.iso(clock.parse_iso(text)) == text


def test_a_time_without_a_zone_is_utc() -> None:
    assert clock.parse_iso("2026-11-23") == clock.parse_iso("2026-11-23T01:00:00+01:00")
    assert clock.monotonic() <= clock.monotonic()


def _all_errors() -> list[type[MendelError]]:
    found = [e for e in vars(errors).values() if isinstance(e, type)]
    return [e for e in found if issubclass(e, MendelError)]


@pytest.mark.parametrize("kind", _all_errors())
def test_an_error_has_a_python_parent_a_status_and_survives_pickling(
    kind: type[MendelError],
) -> None:
    error = QueryError("bad", "a b", 2) if kind is QueryError else kind("bad")
    assert 400 <= kind.http_status < 600
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert str(again) == str(error)


def test_a_wrong_word_is_answered_with_near_ones_or_the_choices() -> None:
    assert did_you_mean("ranndom", ["grid", "random"]) == "; did you mean 'random'?"
    assert did_you_mean("zzz", ["grid", "random"]) == "; there are: 'grid', 'random'"
    assert len(did_you_mean("zzz", ["a" * 10_000])) < 200
    assert did_you_mean("zzz", "abcdef", most=2) == "; there are: 'a', 'b' and 4 more"
    assert did_you_mean("zzz", []) == ""


def test_a_run_lasts_from_start_to_end() -> None:
    run = RunRecord("R", "r", "E", "e", RunState.RUNNING, 1.0)
    assert run.duration is None
    assert not run.state.ended
    assert RunState.FAILED.ended
    assert not RunState.LOST.ended
