"""What is logged comes back: raw and sealed, with NumPy and without, in pieces and whole."""

from __future__ import annotations

import math
import struct
import tempfile
from array import array
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.digest import START, Position
from mendel.journal import column, load, read
from mendel.journal import seal as sealing
from mendel.journal.check import bad_records
from mendel.journal.format import commit_word
from mendel.journal.read import Journal, JournalBlocks
from mendel.journal.seal import seal
from mendel.journal.stats import ends_of, key_stats, step_range
from mendel.journal.write import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mendel.graph.digest import Digest

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

bits = st.integers(0, 2**64 - 1).map(lambda n: struct.unpack("<d", struct.pack("<Q", n))[0])
numbers = st.one_of(
    st.floats(), bits, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.integers(0, 9)
)
others = st.one_of(st.none(), st.text(max_size=5), st.integers(2**63), st.lists(st.integers()))
keys = st.sampled_from(["a", "b", "ä/β", "c" * 40])
steps = st.one_of(st.integers(-5, 50), st.integers(-(2**63), 2**63 - 1))
times = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
call = st.tuples(
    st.dictionaries(keys, st.one_of(numbers, numbers, others), min_size=1, max_size=4),
    steps,
    times,
    st.integers(1, 30),
)
fact = st.tuples(st.sampled_from(["tags", "console"]), st.dictionaries(st.text(max_size=3), others))
action = st.one_of(call, call, fact, st.just("roll"))


@pytest.fixture(params=["numpy", "plain"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let journals be read with NumPy, or with the standard library alone."""
    module = np if request.param == "numpy" else None
    for where in (load, read, sealing):
        monkeypatch.setattr(where, "numpy_for", lambda _size: module)
    return str(request.param)


def write(folder: Path, actions: list[Any]) -> tuple[str, list[Any]]:
    """Do actions; return the writer and what should come back, in order."""
    writer = Writer(folder, run=RUN)
    expected: list[Any] = []
    for this in actions:
        if this == "roll":
            writer._roll(writer._seg, 64)
        elif len(this) == 2:
            writer.fact(*this)
            expected.append(this)
        else:
            data, step, time, times_over = this
            for _ in range(times_over):
                writer.log(data, step, time=time)
                expected += as_records(data, step, time)
    writer.close()
    return writer.id, expected


def as_records(data: dict[str, Any], step: int, time: float | None) -> list[Any]:
    plain = {
        k: v
        for k, v in data.items()
        if isinstance(v, bool | float) or (isinstance(v, int) and -(2**63) <= v < 2**63)
    }
    rest = {k: v for k, v in data.items() if k not in plain}
    out: list[Any] = []
    if plain:
        out.append((step, time, [(k, type(v).__name__, bits_of(v)) for k, v in plain.items()]))
    if rest:
        out.append(("values", {"step": step, "set": rest}))
    return out


def bits_of(value: Any) -> Any:
    return struct.pack("<d", value) if isinstance(value, float) else value


def told(folder: Path, digest: Digest) -> list[Any]:
    """Return the records that a digest and its blocks tell, in order."""
    blocks = JournalBlocks(lambda _: folder)
    found: list[tuple[int, Any]] = [(f.ordinal, (f.kind, f.body)) for f in digest.facts]
    for block in digest.blocks:
        part = blocks.read(block.key, block.keys, block.count, (block.start, block.end))
        for i in range(block.count):
            values = [(k, part.values[k][i].item()) for k in block.keys]
            record = [(k, type(v).__name__, bits_of(v)) for k, v in values]
            found.append((int(part.ordinals[i]), (int(part.steps[i]), part.times[i], record)))
    found.sort(key=lambda item: item[0])
    assert [ordinal for ordinal, _ in found] == list(range(len(found)))
    return [record for _, record in found]


def same(found: list[Any], expected: list[Any]) -> bool:
    return len(found) == len(expected) and all(
        f == e or (len(e) == 3 and e[1] is None and (f[0], f[2]) == (e[0], e[2]))
        for f, e in zip(found, expected, strict=True)
    )


@given(actions=st.lists(action, max_size=25))
def test_what_is_logged_comes_back_raw_and_sealed(backend: str, actions: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer, expected = write(folder, actions)
        journal = Journal(folder)
        if not journal.writers():
            assert not expected
            return
        before = journal.digest(writer)
        assert before.damage == ()
        assert same(told(folder, before), expected)
        report = seal(folder)
        assert (report.waiting, report.damaged) == ([], [])
        assert not list(folder.glob("*.mdj"))
        after = journal.digest(writer)
        assert repr(after) == repr(before), backend
        assert same(told(folder, after), expected)


@given(actions=st.lists(action, min_size=1, max_size=25), data=st.data())
def test_pieces_tell_the_same_as_the_whole(actions: list[Any], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = Writer(folder, run=RUN)
        journal = Journal(folder)
        position = START
        facts: list[Any] = []
        blocks: dict[Any, Any] = {}
        for this in [*actions, "close"]:
            do(writer, this)
            if writer.id not in journal.writers() or not data.draw(st.booleans()):
                continue
            piece = journal.digest(writer.id, position)
            assert piece.start == position
            facts += piece.facts
            blocks |= {block.key: block for block in piece.blocks}
            position = piece.end
        if writer.id not in journal.writers():
            return
        piece = journal.digest(writer.id, position)
        facts += piece.facts
        blocks |= {block.key: block for block in piece.blocks}
        whole = journal.digest(writer.id)
        assert repr(facts) == repr(list(whole.facts))
        assert repr(sorted(blocks.values(), key=lambda b: b.key)) == repr(list(whole.blocks))
        assert piece.end == whole.end
        assert piece.closed == whole.closed is True
        assert list(journal.digests({writer.id: whole.end})) == []
        seal(folder)
        assert list(journal.digests({writer.id: whole.end})) == []
        assert journal.counts() == {writer.id: whole.end.ordinal}


def do(writer: Writer, this: Any) -> None:
    if this == "close":
        writer.close()
    elif this == "roll":
        writer._roll(writer._seg, 64)
    elif len(this) == 2:
        writer.fact(*this)
    else:
        for _ in range(this[3]):
            writer.log(this[0], this[1], time=this[2])


words = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60),
    st.lists(st.integers(-3, 300), min_size=1, max_size=600),
    st.builds(
        lambda first, stride, n: [first + stride * i for i in range(n)],
        st.integers(-(2**40), 2**40),
        st.integers(-(2**30), 2**30),
        st.integers(1, 500),
    ),
)


@given(values=words, numbers_=st.booleans(), with_np=st.booleans())
def test_a_column_comes_back_to_the_bit(values: list[int], numbers_: bool, with_np: bool) -> None:
    data = struct.pack(f"<{len(values)}q", *values)
    packed = column.pack(data, numbers=numbers_, np=np if with_np else None)
    for module in (np, None):
        assert bytes(column.unpack(packed, len(values), module)) == data


singles = st.one_of(
    st.floats(width=32),
    st.just(-0.0),
    st.sampled_from(
        [b"\1\0\0\0\0\0\xf8\x7f", b"\0\0\0\x20\0\0\xf0\x7f", b"\0\0\0\xe0\xff\xff\xff\x7f"]
    ).map(
        lambda word: struct.unpack("<d", word)[0]  # NaN with payloads, one that signals
    ),
    st.sampled_from([1e300, -1e-300, 1 + 2**-24, 2.0**-150]),
)


@given(values=st.lists(singles, min_size=1, max_size=600), with_np=st.booleans())
def test_floats_of_half_the_width_come_back_to_the_bit(values: list[float], with_np: bool) -> None:
    data = struct.pack(f"<{len(values)}d", *values)
    packed = column.pack(data, numbers=False, np=np if with_np else None)
    for module in (np, None):
        assert bytes(column.unpack(packed, len(values), module)) == data


def test_floats_of_half_the_width_take_half_the_planes() -> None:
    noise = np.random.default_rng(0).normal(1, 0.05, 8192).astype(np.float32).astype(np.float64)
    assert column.pack(noise.tobytes(), numbers=False)[4] == column.SINGLE
    assert len(column.pack(noise.tobytes(), numbers=False)) < 3 * 8192
    assert column.pack((noise / 3).tobytes(), numbers=False)[4] == column.AS_IS


def view(values: Iterable[float], letter: str) -> memoryview:
    return memoryview(array(letter, values))


@given(values=st.lists(numbers, min_size=1, max_size=50), integers=st.booleans())
def test_statistics_are_the_same_with_numpy_and_without(values: list[Any], integers: bool) -> None:
    if integers:
        column_ = view([hash(v) % 2**62 for v in values], "q")
    else:
        column_ = view(list(map(float, values)), "d")
    listed = view(range(0, 3 * len(values), 3), "q")
    assert repr(key_stats(column_, listed, np)) == repr(key_stats(column_, listed))


@given(
    points=st.lists(
        st.tuples(st.integers(-3, 3), st.sampled_from([1.0, 2.0, 3.0]), numbers),
        min_size=1,
        max_size=30,
    )
)
def test_ends_by_step_are_the_same_with_numpy_and_without(points: list[Any]) -> None:
    steps = view([step for step, _, _ in points], "q")
    times = view([time for _, time, _ in points], "d")
    values = view([float(value) for _, _, value in points], "d")
    ends = ends_of(steps, times)
    assert ends_of(steps, times, np) == ends
    told = key_stats(values, steps, times=times, ends=ends)
    assert repr(key_stats(values, steps, np, times=times, ends=ends)) == repr(told)
    order = sorted(range(len(points)), key=lambda at: (steps[at], times[at], at))
    lowest = [at for at in order if steps[at] == steps[order[0]]][-1]
    assert ends is None or (ends.low, ends.high) == (lowest, order[-1])
    least = [steps[at] for at in order if values[at] == told.min]
    assert math.isnan(told.min) or told.min_step == least[0]


@given(values=words)
def test_step_ranges_are_the_same_with_numpy_and_without(values: list[int]) -> None:
    listed = view(values, "q")
    least, largest, stride = step_range(listed)
    assert step_range(listed, np) == (least, largest, stride)
    assert (least, largest) == (min(values), max(values))
    gaps = {b - a for a, b in pairwise(values)}
    assert ({stride} == gaps) == (len(gaps) == 1)


@given(
    count=st.integers(1, 300),
    keys_=st.integers(1, 12),
    flips=st.lists(st.integers(0)),
    seed=st.integers(0, 9),
)
def test_damaged_records_are_found_with_numpy_and_without(
    count: int, keys_: int, flips: list[int], seed: int
) -> None:
    size = 24 + 8 * keys_
    rng = np.random.default_rng(seed)
    rows = [rng.bytes(size - 4) for _ in range(count)]
    data = bytearray(b"".join(struct.pack("<I", commit_word(row)) + row for row in rows))
    for flip in flips:
        data[flip // 8 % len(data)] ^= 1 << flip % 8
    view = memoryview(bytes(data))
    wanted = [
        i
        for i in range(count)
        if data[i * size : (i + 1) * size] != struct.pack("<I", commit_word(rows[i])) + rows[i]
    ]
    assert bad_records(view, size) == bad_records(view, size, np) == wanted


def test_one_damaged_record_is_found_among_very_many() -> None:
    rng = np.random.default_rng(1)
    rows = [rng.bytes(28) for _ in range(40_000)]
    data = bytearray(b"".join(struct.pack("<I", commit_word(row)) + row for row in rows))
    assert bad_records(memoryview(bytes(data)), 32, np) == []
    for at in (0, 20_000, 39_999):
        damaged = bytearray(data)
        damaged[32 * at + 9] ^= 4
        assert bad_records(memoryview(bytes(damaged)), 32, np) == [at]


def test_nan_keeps_its_payload(tmp_path: Path) -> None:
    odd = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
    writer = Writer(tmp_path, run=RUN)
    for step in range(20):
        writer.log({"a": odd if step % 3 else -odd}, step)
    writer.close()
    seal(tmp_path)
    digest = Journal(tmp_path).digest(writer.id)
    [block] = digest.blocks
    blocks = JournalBlocks(lambda _: tmp_path)
    part = blocks.read(block.key, ["a"], 20, (block.start, block.end))
    assert hex(part.values["a"].view("u8")[1]) == "0x7ff80000deadbeef"
    assert block.stats[0].nan_count == 20
    assert math.isnan(block.stats[0].min)


def test_ten_thousand_records_of_alternating_shapes(backend: str, tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    for step in range(10_000):
        writer.log({"a": float(step)}, step)
        writer.log({"b": float(step)}, step)
        if step % 3 == 0:
            writer.log({"a": 1.0, "b": 2.0}, step)
        if step % 500 == 0:
            writer.fact("console", {"text": "."})
    writer.close()
    before = Journal(tmp_path).digest(writer.id)
    assert before.damage == (), backend
    assert before.end.ordinal == 23_354
    seal(tmp_path)
    assert Journal(tmp_path).digest(writer.id) == before
    assert len(told(tmp_path, before)) == 23_354


def test_positions_before_sealing_hold_after_it(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    journal = Journal(tmp_path)
    for step in range(100):
        writer.log({"a": float(step)}, step)
    middle: Position = journal.digest(writer.id).end
    writer.fact("tags", {"set": {"x": 1}})
    writer.log({"b": 1.0}, 100)
    writer.close()
    before = journal.digest(writer.id, middle)
    seal(tmp_path)
    after = journal.digest(writer.id, middle)
    assert after == before
    assert [fact.kind for fact in after.facts] == ["tags"]
    assert [block.keys for block in after.blocks] == [("b",)]
