"""What `log` and `fact` take, what they refuse, and from where they may be called."""

from __future__ import annotations

import dis
import gc
import math
import os
import pickle
import signal
import sys
import threading
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mendel.graph import clock
from mendel.graph.errors import InvalidError, StateError, WrongTypeError
from mendel.journal import format as fmt
from mendel.journal import segment, write
from mendel.journal.read import Journal, JournalBlocks
from mendel.journal.write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mendel.graph.digest import Digest

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "journal", run=RUN)
    yield made
    made.close()


def read(writer: Writer) -> Digest:
    return Journal(writer.folder).digest(writer.id)


def points(writer: Writer) -> list[tuple[int, dict[str, Any]]]:
    """Return step and values of all points, in the order written."""
    blocks = JournalBlocks(lambda _: writer.folder)
    found = []
    for block in read(writer).blocks:
        part = blocks.read(block.key, block.keys, block.count, (block.start, block.end))
        for i in range(block.count):
            values = {key: part.values[key][i].item() for key in block.keys}
            found.append((int(part.ordinals[i]), int(part.steps[i]), values))
    return [(step, values) for _, step, values in sorted(found, key=lambda item: item[0])]


def test_types_stay_what_they_are(writer: Writer) -> None:
    writer.log({"a": 1, "b": 1.0, "c": True}, 0)
    writer.log({"a": 1.0, "b": True, "c": 1}, 1)
    assert [block.types for block in read(writer).blocks] == ["dq?".replace("dq", "qd"), "d?q"]
    assert [values for _, values in points(writer)] == [
        {"a": 1, "b": 1.0, "c": True},
        {"a": 1.0, "b": True, "c": 1},
    ]


def test_one_key_may_change_its_type_from_call_to_call(writer: Writer) -> None:
    values: list[Any] = [1, 1.0, True, 2, 0.5, False]
    for step, value in enumerate(values):
        writer.log({"x": value}, step)
    found = [v["x"] for _, v in points(writer)]
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


class Tensor:
    """As torch has them: known by what it can do."""

    shape = ()

    def item(self) -> float:
        return 0.25


@pytest.mark.parametrize(
    ("value", "letter", "plain"),
    [
        (np.float64(0.5), "d", 0.5),
        (np.float32(0.5), "d", 0.5),
        (np.float16(0.5), "d", 0.5),
        (np.int8(-3), "q", -3),
        (np.uint64(7), "q", 7),
        (np.bool_(True), "?", True),
        (np.array(2.5), "d", 2.5),
        (np.array(2), "q", 2),
        (Tensor(), "d", 0.25),
        (signal.SIGINT, "q", 2),
    ],
)
def test_what_is_a_number_elsewhere_is_one_here(
    writer: Writer, value: Any, letter: str, plain: float
) -> None:
    for step in range(3):
        writer.log({"x": value}, step)
    assert [block.types for block in read(writer).blocks] == [letter]
    assert [v["x"] for _, v in points(writer)] == [plain] * 3


def test_values_that_are_no_numbers_are_kept_beside(writer: Writer) -> None:
    others: dict[str, Any] = {
        "text": "good",
        "none": None,
        "list": [1, 2.5],
        "dict": {"a": math.inf},
        "big": 2**70,
        "small": -(2**63) - 1,
    }
    writer.log({"loss": 0.5, **others}, 7)
    [fact] = read(writer).facts
    assert (fact.kind, fact.body) == ("values", {"step": 7, "set": others})
    assert points(writer) == [(7, {"loss": 0.5})]
    [block] = read(writer).blocks
    assert block.first_time == fact.time


def test_the_edges_of_numbers_come_back(writer: Writer) -> None:
    numbers = [math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 2**63 - 1, -(2**63)]
    for number in numbers:
        writer.log({"x": number}, 0)
    found = [v["x"] for _, v in points(writer)]
    assert list(map(repr, found)) == list(map(repr, numbers))


@pytest.mark.parametrize(
    "value", [1j, object(), b"bytes", {1, 2}, Decimal(1), Fraction(1, 2), lambda: 1]
)
def test_a_value_that_cannot_be_kept_is_named_and_nothing_is_written(
    writer: Writer, value: Any
) -> None:
    writer.log({"fine": 1.0}, 0)
    with pytest.raises(WrongTypeError, match="odd"):
        writer.log({"fine": 2.0, "odd": value}, 1)
    with pytest.raises(WrongTypeError, match="fine"):
        writer.log({"fine": value}, 1)
    assert points(writer) == [(0, {"fine": 1.0})]
    assert writer.ordinal == 1
    assert writer.last_step == 0


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        ({"": 1.0}, InvalidError, "empty"),
        ({3: 1.0}, WrongTypeError, "'3'"),
        ({None: 1.0}, WrongTypeError, "NoneType"),
        ({"a\ud800b": 1.0}, InvalidError, "surrogate"),
        (0.5, WrongTypeError, "float"),
        ([("a", 1)], WrongTypeError, "list"),
        (None, WrongTypeError, "dict"),
        ("loss", WrongTypeError, "str"),
    ],
)
def test_odd_keys_and_calls_are_refused(
    writer: Writer, data: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        writer.log(data, 0)
    assert writer.ordinal == 0


def test_keys_are_any_text(writer: Writer) -> None:
    keys = ["ä/ö ✓", "a\nb\tc\0d", "x" * 10_000, "'\"\\", " ", "$dict"]
    writer.log(dict.fromkeys(keys, 0.5), 0)
    for key in keys:
        writer.log({key: 1.0}, 1)
        writer.log({key: 1.0}, 2)
    assert points(writer)[0] == (0, dict.fromkeys(keys, 0.5))
    assert [values for _, values in points(writer)[1::2]] == [{key: 1.0} for key in keys]


@pytest.mark.parametrize("step", [True, 1.5, "3", math.nan, math.inf, [1], 1j, np.float32(0.5)])
def test_a_step_that_is_no_whole_number_is_refused(writer: Writer, step: Any) -> None:
    writer.log({"a": 1.0}, 0)
    with pytest.raises(WrongTypeError, match="step"):
        writer.log({"a": 1.0}, step)
    assert writer.ordinal == 1


def test_a_step_beyond_64_bits_is_refused(writer: Writer) -> None:
    writer.log({"a": 1.0}, 0)
    for step in (2**63, -(2**63) - 1, 10**30):
        with pytest.raises(InvalidError, match="64 bits"):
            writer.log({"a": 1.0}, step)
    for step in (2**63 - 1, -(2**63)):
        writer.log({"a": 1.0}, step)
    assert [step for step, _ in points(writer)] == [0, 2**63 - 1, -(2**63)]


def test_steps_of_numpy_and_whole_floats_are_taken(writer: Writer) -> None:
    steps: list[Any] = [np.int64(3), np.uint8(4), 5.0, np.float32(6), np.array(7)]
    for step in steps:
        writer.log({"a": 1.0}, step)
    assert [step for step, _ in points(writer)] == [3, 4, 5, 6, 7]


def test_late_repeated_and_negative_steps_are_kept_as_logged(writer: Writer) -> None:
    steps = [5, 5, 3, -7, 5, 0]
    for step in steps:
        writer.log({"a": float(step)}, step)
    assert [step for step, _ in points(writer)] == steps
    assert writer.last_step == 5


def test_a_time_of_ones_own_is_kept(writer: Writer) -> None:
    writer.log({"a": 1.0}, 0, time=12.5)
    writer.log({"a": 1.0}, 1, time=3)
    [block] = read(writer).blocks
    assert (block.first_time, block.last_time) == (12.5, 3.0)
    for odd in ("now", True, None.__class__):
        with pytest.raises(WrongTypeError, match="time"):
            writer.log({"a": 1.0}, 2, time=odd)  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="finite"):
        writer.log({"a": 1.0}, 2, time=math.nan)


def test_an_empty_call_writes_nothing(writer: Writer) -> None:
    writer.log({}, 3)
    assert writer.ordinal == 0
    assert not writer.folder.exists()


def test_a_closed_writer_refuses_in_plain_words(writer: Writer) -> None:
    writer.log({"a": 1.0}, 0)
    writer.close()
    writer.close()
    with pytest.raises(StateError, match="closed"):
        writer.log({"a": 1.0}, 1)
    with pytest.raises(StateError, match="closed"):
        writer.fact("state", {})
    assert writer.last_step == 0
    assert read(writer).closed


def test_a_writer_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    Writer(tmp_path / "journal", run=None).close()
    assert not (tmp_path / "journal").exists()


def test_a_writer_cannot_be_pickled(writer: Writer) -> None:
    with pytest.raises(WrongTypeError, match="resume"):
        pickle.dumps(writer)


def test_many_threads_lose_nothing(writer: Writer) -> None:
    def work(number: int) -> None:
        for step in range(2000):
            writer.log({f"t{number}": float(step)}, step)
            if step % 100 == 0:
                writer.log({f"t{number}": float(step), "shared": step}, step)
                writer.fact("console", {"text": f"{number}"})

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    writer.close()
    digest = read(writer)
    assert digest.damage == ()
    assert len(digest.facts) == 6 * 20
    counts = dict.fromkeys([f"t{n}" for n in range(6)], 0)
    for block in digest.blocks:
        counts[block.keys[0]] += block.count
    assert counts == {f"t{n}": 2020 for n in range(6)}
    assert digest.end.ordinal == writer.ordinal == 6 * 2040


def test_a_signal_handler_may_log(writer: Writer) -> None:
    fired = 0

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal fired
        writer.log({"signal": fired}, fired)
        writer.log({f"signal {fired}": 1.0}, fired)
        fired += 1

    old = signal.signal(signal.SIGALRM, on_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    try:
        logged = 0
        while fired < 150:
            writer.log({"main": float(logged)}, logged)
            writer.log({f"odd {logged % 700}": logged}, logged)
            logged += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    writer.close()
    digest = read(writer)
    assert digest.damage == ()
    assert digest.end.ordinal == 2 * logged + 2 * fired
    total = sum(block.count for block in digest.blocks if block.keys == ("main",))
    assert total == logged


def test_a_finalizer_may_log_while_a_call_is_under_way(writer: Writer) -> None:
    class Ring:
        """Garbage that logs as it goes."""

        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            writer.log({"del": 1}, 0)

    before = gc.get_threshold()
    gc.set_threshold(3, 2, 2)
    try:
        for step in range(3000):
            Ring()
            writer.log({"main": float(step)}, step)
            writer.log({"main": float(step), f"k{step % 50}": [step]}, step)
    finally:
        gc.set_threshold(*before)
        gc.collect()
    writer.close()
    digest = read(writer)
    assert digest.damage == ()
    assert sum(block.count for block in digest.blocks) == 3 * 3000
    assert len(digest.facts) == 3000


def reentrant(call: str, action: Callable[[], None]) -> Callable[..., Any]:
    """Return a stand-in for one of the writer's own steps that lets something else in first."""
    plain = getattr(segment.Segment, call)
    left = [1]

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        if left:
            left.pop()
            action()
        return plain(*args, **kwargs)

    return stand_in


@pytest.mark.parametrize("call", ["append", "append_point", "finish", "_define", "_learn"])
def test_a_call_within_a_call_keeps_both(
    writer: Writer, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.log({"a": 1.0}, 0)

    def nested() -> None:
        writer.log({"nested": 1.0}, 1)
        writer.fact("tags", {"set": {"nested": True}})

    monkeypatch.setattr(segment.Segment, call, reentrant(call, nested))
    if call == "finish":
        seg = writer._seg
        while writer._seg is seg:
            writer.log({"a": 1.0}, 2)
    writer.log({"new": 1.0, "text": "x"}, 3)
    monkeypatch.undo()
    writer.close()
    digest = read(writer)
    assert digest.damage == ()
    assert digest.end.ordinal == writer.ordinal
    assert sum(b.count for b in digest.blocks if b.keys in {("nested",), ("new",)}) == 2
    assert sorted(fact.kind for fact in digest.facts) == ["tags", "values"]


def test_nothing_is_called_between_taking_a_place_and_filling_it() -> None:
    code = list(dis.get_instructions(write._log))
    begin = max(i for i, op in enumerate(code) if op.opname == "STORE_ATTR" and op.argval == "off")
    words = next(i for i, op in enumerate(code) if i > begin and op.argval == "words")
    stretch = code[begin : words + 6]
    # What is called is for a place beyond the segment, which is given up first.
    calls = [op for op in stretch if op.opname in {"CALL", "CALL_KW", "CALL_FUNCTION_EX"}]
    called = [op.argval for op in stretch if op.argval in {"append", "_log_slowly"}]
    assert called == ["append", "_log_slowly"]
    assert len(calls) == 2
    assert not [op for op in stretch if "JUMP_BACKWARD" in op.opname]


def test_a_forked_child_becomes_a_writer_of_its_own(writer: Writer) -> None:
    writer.log({"a": 1.0}, 0)
    parent = writer.id
    pid = os.fork()
    if not pid:
        status = 1
        try:
            for step in range(100):
                writer.log({"child": float(step)}, step)
            assert writer.id != parent
            assert writer.info.pid == os.getpid()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    writer.log({"a": 2.0}, 1)
    writer.close()
    journal = Journal(writer.folder)
    assert len(journal.writers()) == 2
    counts = {name: journal.digest(name).end.ordinal for name in journal.writers()}
    assert counts.pop(parent) == 2
    assert list(counts.values()) == [100]
    assert all(journal.digest(name).damage == () for name in journal.writers())


def test_a_forked_child_that_writes_nothing_leaves_nothing(writer: Writer) -> None:
    writer.log({"a": 1.0}, 0)
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert Journal(writer.folder).writers() == [writer.id]


def test_segments_grow_and_join(writer: Writer) -> None:
    for step in range(60_000):
        writer.log({"a": float(step)}, step)
    writer.close()
    digest = read(writer)
    assert {block.key.segment for block in digest.blocks} == {0, 1, 2, 3}
    assert digest.damage == ()
    assert [step for step, _ in points(writer)] == list(range(60_000))


def test_a_call_with_very_many_keys(writer: Writer) -> None:
    keys = [f"k{i}" for i in range(70_000)]
    for step in range(2):
        writer.log(dict.fromkeys(keys, 0.5), step)
    writer.log({"a": 1.0}, 2)
    writer.fact("console", {"text": "x" * 700_000})
    writer.close()
    digest = read(writer)
    assert digest.damage == ()
    assert [(len(block.keys), block.count) for block in digest.blocks] == [(70_000, 2), (1, 1)]
    blocks = JournalBlocks(lambda _: writer.folder)
    block = digest.blocks[0]
    part = blocks.read(block.key, keys[-1:], block.count, (block.start, block.end))
    assert part.values["k69999"].tolist() == [0.5, 0.5]


def test_more_shapes_than_a_segment_can_number(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fmt, "MOST_SHAPES", 50)
    for step in range(220):
        writer.log({f"k{step}": 1.0}, step)
        writer.log({f"k{step}": 1.0}, step)
    writer.close()
    digest = read(writer)
    assert digest.damage == ()
    assert sum(block.count for block in digest.blocks) == 440
    assert max(block.key.segment for block in digest.blocks) == 4


def test_a_clock_that_jumps_is_written_down_as_it_was(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [1e9, 1e9 - 86400, 0.0, 4e9, 4e9, -5.0]
    calls = iter(times * 2)
    writer.log({"a": 0.0}, 0, time=times[0])
    monkeypatch.setattr(clock, "now", lambda: next(calls))
    for step, _ in enumerate(times[1:]):
        writer.log({"a": 0.0}, step)
    monkeypatch.undo()
    writer.close()
    [block] = read(writer).blocks
    blocks = JournalBlocks(lambda _: writer.folder)
    part = blocks.read(block.key, ["a"], block.count, (block.start, block.end))
    assert part.times.tolist() == [times[0], *times[:-1]]


def test_flush_brings_all_segments_to_the_disk(writer: Writer) -> None:
    for step in range(5000):
        writer.log({"a": 1.0}, step)
    writer.flush()
    writer.close()
    writer.flush()
    assert writer.ordinal == 5000


def test_writing_loads_the_standard_library_only(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from pathlib import Path; from mendel.journal.write import Writer\n"
        f"w = Writer(Path({str(tmp_path)!r}), run=None)\n"
        "w.log({'a': 1.0}); w.log({'a': 1.0, 'b': [1]}); w.fact('tags', {'set': {}}); w.close()\n"
        "tops = {m.split('.')[0] for m in sys.modules}\n"
        "print(sorted(tops & {'numpy', 'pandas', 'sqlite3', 'click', 'rich', 'psutil', 'asyncio'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
