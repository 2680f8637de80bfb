"""Torn and flipped bytes: what is whole is read, the rest is told with its place."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from mendel.graph.errors import CorruptError, MendelError, NewerStoreError, NotFoundError
from mendel.journal import format as fmt
from mendel.journal.read import Journal, JournalBlocks
from mendel.journal.seal import seal
from mendel.journal.write import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.graph.digest import Digest

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
RECORDS = 203


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a journal of two segments: 101 + 102 records, and a third that only ends."""
    folder = tmp_path / RUN / "journal"
    writer = Writer(folder, run=RUN)
    for part in range(2):
        for step in range(100):
            if step % 10 == 5:
                writer.log({"a": float(step), "b": 1}, step)
            else:
                writer.log({"a": float(step)}, step)
        writer.fact("tags", {"set": {"part": part}})
        if not part:
            writer._roll(writer._seg, 64)
    writer.fact("state", {"state": "COMPLETE"})
    writer.close()
    return folder


def first(folder: Path, suffix: str = ".mdj") -> Path:
    return min(folder.glob(f"*{suffix}"))


def digest(folder: Path) -> Digest:
    journal = Journal(folder)
    [writer] = journal.writers()
    return journal.digest(writer)


def records(found: Digest) -> int:
    return sum(block.count for block in found.blocks) + len(found.facts)


def places(data: bytes) -> list[tuple[int, int, int]]:
    """Return start, end and kind of all records of a segment."""
    at, out = fmt.parse_header(data).size, []
    while at + 8 <= len(data):
        _, units, kind = struct.unpack_from("<IHH", data, at)
        out.append((at, at + 8 * units, kind))
        at += 8 * units
    return out


def flip(path: Path, at: int, by: int = 0xFF) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= by
    path.write_bytes(data)


def test_whole_it_is_whole(folder: Path) -> None:
    found = digest(folder)
    assert found.damage == ()
    assert (records(found), found.end.ordinal, found.closed) == (RECORDS, RECORDS, True)


@pytest.mark.parametrize("field", range(8))
def test_a_flipped_byte_in_the_head_of_a_point_costs_that_point(folder: Path, field: int) -> None:
    path = first(folder)
    start, _, kind = places(path.read_bytes())[50]
    assert kind >= fmt.POINTS
    flip(path, start + field)
    found = digest(folder)
    assert records(found) == RECORDS - 1
    [damage] = found.damage
    assert path.name in damage
    assert f"offset {start} " in damage
    assert found.closed
    # The next segment tells its own numbers.
    assert found.end.ordinal == RECORDS


def test_a_flipped_byte_anywhere_in_a_payload_costs_that_record(folder: Path) -> None:
    path = first(folder)
    whole = path.read_bytes()
    rng = random.Random(0)
    for start, end, kind in places(whole):
        if kind < fmt.FACT:
            continue
        path.write_bytes(whole)
        flip(path, rng.randrange(start + 8, end), 1 << rng.randrange(8))
        found = digest(folder)
        lost = 0 if kind == fmt.END else 1
        assert records(found) == RECORDS - lost
        assert f"offset {start} " in found.damage[0]
        assert found.end.ordinal == RECORDS


def test_a_damaged_shape_is_told_and_its_points_are_not_misread(folder: Path) -> None:
    path = first(folder)
    start, _, kind = places(path.read_bytes())[0]
    assert kind == fmt.SHAPE
    flip(path, start + 14)
    found = digest(folder)
    assert records(found) == RECORDS - 90
    assert any(f"offset {start} " in text for text in found.damage)
    assert any("90 points are of shape 0" in text for text in found.damage)
    assert [f.ordinal for f in found.facts] == [100, 201, 202]


def test_a_damaged_header_is_told_and_the_records_are_read(folder: Path) -> None:
    for at in (0, 9, 13, 30):
        whole = first(folder).read_bytes()
        flip(first(folder), at)
        found = digest(folder)
        assert records(found) == RECORDS
        assert found.run == RUN
        assert "offset 0 " in found.damage[0]
        assert [f.ordinal for f in found.facts] == [100, 201, 202]
        first(folder).write_bytes(whole)


def test_all_headers_damaged_the_folder_tells_the_run(folder: Path) -> None:
    for path in folder.glob("*.mdj"):
        flip(path, 20)
    found = digest(folder)
    assert records(found) == RECORDS
    assert (found.run, found.writer.run) == (RUN, RUN)
    assert found.end.ordinal == RECORDS


def test_a_torn_segment_keeps_what_was_before(folder: Path) -> None:
    path = first(folder)
    whole = path.read_bytes()
    where = places(whole)
    for number in (3, 30, 77):
        start, end, _ = where[number]
        path.write_bytes(whole[: (start + end) // 2])
        found = digest(folder)
        counted = sum(1 for _, _, kind in where[:number] if kind != fmt.SHAPE)
        assert records(found) == counted + 102
        assert found.end.ordinal == RECORDS


def test_zeros_in_the_middle_are_told(folder: Path) -> None:
    path = first(folder)
    data = bytearray(path.read_bytes())
    where = places(bytes(data))
    data[where[20][0] : where[30][0]] = bytes(where[30][0] - where[20][0])
    path.write_bytes(data)
    found = digest(folder)
    assert records(found) == RECORDS - 10
    [damage] = found.damage
    assert f"{where[30][0] - where[20][0]} bytes at offset {where[20][0]}" in damage


def test_a_missing_segment_in_the_middle_is_told(folder: Path) -> None:
    path = first(folder)
    path.unlink()
    found = digest(folder)
    assert found.damage == (f"{path.name}: this segment is missing",)
    assert records(found) == 102
    assert found.facts[0].ordinal == 201


def test_garbage_of_every_kind_never_raises(folder: Path) -> None:
    path = first(folder)
    whole = path.read_bytes()
    rng = random.Random(3)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 2, 20])):
            at, length = rng.randrange(len(data)), rng.choice([1, 8, 100, 2000])
            data[at : at + length] = rng.randbytes(length) if rng.random() < 0.7 else b""
        path.write_bytes(data)
        found = digest(folder)
        assert records(found) <= RECORDS
        assert found.damage


def test_a_segment_of_a_newer_format_is_named(folder: Path) -> None:
    path = first(folder)
    path.write_bytes(fmt.head_bytes(b"MENDELJ2", {"format": 2}))
    with pytest.raises(NewerStoreError, match=r"mdj.*install a newer"):
        digest(folder)


def test_a_segment_that_was_never_begun_is_no_damage(folder: Path) -> None:
    writer = Writer(folder, run=RUN)
    for data in (b"", bytes(100), fmt.MAGIC, bytes(65536)):
        (folder / fmt.segment_name(writer.id, 0)).write_bytes(data)
        found = Journal(folder).digest(writer.id)
        assert (found.damage, found.blocks, found.end.ordinal) == ((), (), 0)


def test_what_is_being_written_is_no_damage(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    for step in range(20):
        writer.log({"a": float(step)}, step)
    seg = writer._seg
    # A record whose payload stands and whose commit word does not yet.
    seg.mem[seg.off + 4 : seg.off + 32] = bytes(seg.mem[seg.off - 28 : seg.off])
    found = digest(tmp_path)
    assert (records(found), found.damage) == (20, ())
    # A place that an interrupted call holds, with a later record behind it.
    seg.off += 32
    writer.log({"a": 20.0}, 20)
    found = digest(tmp_path)
    assert (records(found), found.damage) == (20, ())
    seg.words[(seg.off - 64) >> 2] = fmt.commit_word(seg.mem[seg.off - 60 : seg.off - 32])
    assert records(digest(tmp_path)) == 22
    writer.close()


def test_blocks_of_a_damaged_segment_are_read_as_they_were_told(folder: Path) -> None:
    path = first(folder)
    start, _, _ = places(path.read_bytes())[50]
    flip(path, start + 20)
    found = digest(folder)
    blocks = JournalBlocks(lambda _: folder)
    for block in found.blocks:
        points = blocks.read(block.key, block.keys, block.count, (block.start, block.end))
        assert len(points.steps) == block.count
        assert points.ordinals[0] == block.first_ordinal
        assert points.ordinals[-1] == block.last_ordinal


def test_a_block_that_was_damaged_since_says_so(folder: Path) -> None:
    block = digest(folder).blocks[0]
    flip(first(folder), block.start + 20)
    blocks = JournalBlocks(lambda _: folder)
    with pytest.raises(CorruptError, match="mdj"):
        blocks.read(block.key, ["a"], block.count, (block.start, block.end))


def test_a_block_or_key_that_is_not_there_is_not_found(folder: Path) -> None:
    block = digest(folder).blocks[0]
    blocks = JournalBlocks(lambda _: folder)
    span = block.start, block.end
    with pytest.raises(NotFoundError, match="'zzz'"):
        blocks.read(block.key, ["zzz"], block.count, span)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(NotFoundError, match="neither sealed nor unsealed"):
        JournalBlocks(lambda _: folder).read(block.key, ["a"], block.count, span)
    with pytest.raises(NotFoundError):
        Journal(folder).digest(block.key.writer)


# -- sealed --


def test_a_damaged_segment_is_not_sealed(folder: Path) -> None:
    start, _, _ = places(first(folder).read_bytes())[50]
    flip(first(folder), start + 20)
    before = digest(folder)
    report = seal(folder)
    assert report.damaged == [first(folder).name]
    assert report.sealed == 1
    assert digest(folder) == before


def test_any_flipped_byte_of_a_sealed_segment_is_told_or_harmless(folder: Path) -> None:
    whole_digest = digest(folder)
    seal(folder)
    path = first(folder, ".mdz")
    whole = path.read_bytes()
    blocks = JournalBlocks(lambda _: folder)
    rng = random.Random(5)
    for at in sorted(rng.sample(range(len(whole)), min(len(whole), 300))):
        data = bytearray(whole)
        data[at] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        found = digest(folder)
        if not found.damage:  # the second index and the footer are only there for bad days
            assert repr(found) == repr(whole_digest)
            continue
        assert path.name in found.damage[0]
        assert len(found.facts) >= 2
        for block in found.blocks:
            try:
                points = blocks.read(block.key, ["a"], block.count, (block.start, block.end))
            except MendelError:
                continue
            assert points.steps[0] == block.first_step


def test_a_sealed_segment_with_a_damaged_front_is_read_from_its_back(folder: Path) -> None:
    before = digest(folder)
    seal(folder)
    path = first(folder, ".mdz")
    whole = path.read_bytes()
    for at in (0, 10, 40, 600):
        data = bytearray(whole)
        data[at] ^= 0xFF
        path.write_bytes(data)
        found = digest(folder)
        assert found.blocks == before.blocks
        assert found.facts == before.facts
        assert "first index" in found.damage[0]


def test_a_sealed_segment_cut_short_is_told(folder: Path) -> None:
    seal(folder)
    path = first(folder, ".mdz")
    whole = path.read_bytes()
    for size in (0, 5, 200, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:size])
        found = digest(folder)
        assert found.facts[-1].kind == "state"
        assert found.damage or size > len(whole) - 1500


# -- what is kept of segments --


def test_a_sealed_segment_that_was_replaced_is_read_anew(folder: Path) -> None:
    seal(folder)
    path = first(folder, ".mdz")
    whole = path.read_bytes()
    blocks = JournalBlocks(lambda _: folder)
    block = digest(folder).blocks[0]
    span = block.start, block.end
    steps = blocks.read(block.key, ["a"], block.count, span).steps.tolist()
    path.write_bytes(whole[: len(whole) // 4])
    with pytest.raises(CorruptError, match="mdz"):
        blocks.read(block.key, ["a"], block.count, span)
    path.write_bytes(whole)
    assert blocks.read(block.key, ["a"], block.count, span).steps.tolist() == steps


def test_a_segment_that_is_sealed_between_two_reads_is_read_from_where_it_is(folder: Path) -> None:
    blocks = JournalBlocks(lambda _: folder)
    block = digest(folder).blocks[0]
    span = block.start, block.end
    before = blocks.read(block.key, ["a"], block.count, span)
    seal(folder)
    after = blocks.read(block.key, ["a"], block.count, span)
    assert after.is_packed
    assert not before.is_packed
    assert after.times.tolist() == before.times.tolist()
    assert after.ordinals.tolist() == before.ordinals.tolist()


def test_what_was_read_can_be_looked_at_when_the_segment_is_gone(folder: Path) -> None:
    seal(folder)
    blocks = JournalBlocks(lambda _: folder)
    block = digest(folder).blocks[0]
    points = blocks.read(block.key, ["a"], block.count, (block.start, block.end))
    for path in folder.iterdir():
        path.unlink()
    assert points.times[0] == block.first_time
    assert points.ordinals[-1] == block.last_ordinal


@pytest.mark.parametrize("sealed", [False, True])
def test_little_memory_is_enough_to_read_a_journal(folder: Path, sealed: bool) -> None:
    if sealed:
        seal(folder)
    roomy, narrow = (JournalBlocks(lambda _: folder, most_bytes=most) for most in (1 << 26, 0))
    for _ in range(2):
        for block in digest(folder).blocks:
            span = block.start, block.end
            one, other = (b.read(block.key, ["a"], block.count, span) for b in (roomy, narrow))
            assert one.times.tolist() == other.times.tolist()
            assert repr(one.values["a"].tolist()) == repr(other.values["a"].tolist())
