"""Compresses finished segments, losing nothing: ``.mdj`` becomes ``.mdz``.

The new file is written beside, read back and compared, brought to the disk and renamed; only then
the old one goes. So whatever is killed whenever, the records are there, once. A segment that is
damaged is left as it is: its bytes may still be worth something to somebody.
"""

from __future__ import annotations

import json
import os
from array import array
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import compress, crc32

from mendel.graph import clock
from mendel.graph.errors import CorruptError, NotFoundError, StoreError
from mendel.journal import format as fmt
from mendel.journal import sealed
from mendel.journal.column import pack
from mendel.journal.load import Segment, load_raw, numpy_for
from mendel.journal.process import is_alive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from mendel.journal.table import Table

_FACTS_AT_ONCE = 1 << 20  # bytes
_STALE_S = 3600.0  # what a killed sealer left is swept after so long
_FORGOTTEN_S = 86400.0  # a segment on another machine that rested so long has no writer any more


@dataclass(slots=True)
class SealReport:
    """What `seal` did. Bytes are those of the segments that were sealed, on disk."""

    sealed: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    waiting: list[str] = field(default_factory=list)  # segments left for another time
    damaged: list[str] = field(default_factory=list)  # segments left because they are damaged


def seal(folder: Path, *, live: Collection[str] = (), budget_s: float | None = None) -> SealReport:
    """Seal every finished segment of a journal folder; again, or twice at once, is no harm.

    Args:
        folder: the journal folder.
        live: ids of writers that may be writing: their newest segments are left alone. So are
            those of writers whose process lives, even if they are not named.
        budget_s: begin no further segment after so many seconds.

    Raises:
        StoreError: the disk could not take a sealed segment; its records are as safe as before.
    """
    report = SealReport()
    started = clock.monotonic()
    _sweep(folder)
    for writer, found in fmt.segments(folder).items():
        for number in sorted(found):
            name = fmt.segment_name(writer, number)
            raw = folder / name
            if found[number] and not raw.exists():
                continue
            if budget_s is not None and clock.monotonic() - started >= budget_s:
                report.waiting.append(name)
                continue
            newest = number == max(found)
            try:
                _seal_one(folder, writer, number, report, newest=newest, live=writer in live)
            except (NotFoundError, FileNotFoundError):
                continue  # somebody else sealed it just now
            except OSError as error:
                raise StoreError(
                    f"{raw} could not be sealed ({error.strerror}). Nothing is lost: it stays as "
                    "it is, and is sealed by `mendel gc` when the disk takes it."
                ) from error
    return report


def _seal_one(
    folder: Path, writer: str, number: int, report: SealReport, *, newest: bool, live: bool
) -> None:
    raw = folder / fmt.segment_name(writer, number)
    segment = load_raw(folder, writer, number, last=newest)
    if newest and not _is_finished(segment, raw, live=live):
        report.waiting.append(raw.name)
        return
    if segment.header is None or segment.contents.damage:
        report.damaged.append(raw.name)
        return
    target = folder / fmt.segment_name(writer, number, fmt.SEALED)
    if not target.exists() or not _says_the_same(target.read_bytes(), segment):
        _write(target, segment)
    report.bytes_before += raw.stat().st_blocks * 512
    report.bytes_after += target.stat().st_blocks * 512
    report.sealed += 1
    raw.unlink()


def _is_finished(segment: Segment, raw: Path, *, live: bool) -> bool:
    """Tell whether nobody will write to a writer's newest segment any more."""
    if segment.contents.ended is not None:
        return True
    if live or segment.header is None:
        return False
    alive = is_alive(segment.header.writer)
    if alive is None:  # on another machine
        return clock.now() - raw.stat().st_mtime > _FORGOTTEN_S
    return not alive


def _write(target: Path, segment: Segment) -> None:
    data = sealed_bytes(segment)
    temporary = target.with_name(f"{target.name}.{clock.new_id()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not _says_the_same(temporary.read_bytes(), segment):
            raise OSError(0, "what was written is not what is read back")
        temporary.replace(target)
        _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _sweep(folder: Path) -> None:
    """Remove what killed sealers left."""
    for path in folder.glob(f"*{fmt.SEALED}.*.tmp"):
        made = path.name.split(".")[-2]
        if clock.is_id(made) and clock.now() - clock.id_time(made) > _STALE_S:
            path.unlink(missing_ok=True)


def sealed_bytes(segment: Segment) -> bytes:
    """Return a whole segment as a sealed file has it."""
    header, contents = segment.header, segment.contents
    if header is None:
        raise CorruptError(f"{segment.name} has no header, so it cannot be sealed.")
    body = bytearray()
    facts = []
    for part in _fact_parts(segment):
        facts.append((len(body), len(part)))
        body += part
    blocks: list[tuple[int, list[sealed.BlockAt]]] = []
    for shape in contents.used():
        places = []
        for number, table in enumerate(contents.blocks(shape)):
            columns = list(_columns(table, contents.shapes[shape]))
            sizes = [len(column) for column in columns]
            places.append(
                sealed.BlockAt(number, table.count, table.start, table.end, len(body), sizes)
            )
            body += b"".join(columns)
        blocks.append((shape, places))
    about = {
        "format": fmt.FORMAT,
        "run": header.run,
        "writer": {k: v for k, v in asdict(header.writer).items() if k != "run"},
        "segment": header.segment,
        "first": header.first,
        "last_step": _last_step(segment),
    }
    index = {
        **about,
        "end": contents.end,
        "ordinal": contents.ordinal,
        "ended": contents.ended,
        "shapes": {n: shape._asdict() for n, shape in sorted(contents.shapes.items())},
        "blocks": blocks,
        "facts": facts,
    }
    packed = sealed.checked(compress(json.dumps(index, separators=(",", ":")).encode(), 9))
    head = fmt.head_bytes(fmt.SEALED_MAGIC, {**about, "index": len(packed)})
    base = len(head) + len(packed)
    footer = sealed.FOOTER.pack(
        base, base + len(body), len(packed), crc32(packed), fmt.SEALED_MAGIC
    )
    return b"".join((head, packed, body, packed, footer))


def _last_step(segment: Segment) -> int | None:
    """Return the writer's largest step up to the end of a segment."""
    ended, header = segment.contents.ended, segment.header
    if ended is not None and "last_step" in ended:
        last: int | None = ended["last_step"]
        return last
    steps = [
        max(table.words(0, "q"))
        for shape in segment.contents.used()
        for table in segment.contents.blocks(shape)
    ]
    if header is not None and header.last_step is not None:
        steps.append(header.last_step)
    for fact in segment.contents.facts:
        kind, _, body = fmt.parse_fact(fact.text)
        step = body.get("step")
        if kind == "values" and isinstance(step, int):
            steps.append(step)
    return max(steps, default=None)


def _fact_parts(segment: Segment) -> Iterator[bytes]:
    part = bytearray()
    for fact in segment.contents.facts:
        part += sealed.FACT.pack(fact.ordinal, fact.offset, len(fact.text)) + fact.text
        if len(part) >= _FACTS_AT_ONCE:
            yield sealed.checked(compress(part, 6))
            part = bytearray()
    if part:
        yield sealed.checked(compress(part, 6))


def _columns(table: Table, shape: fmt.Shape) -> Iterator[bytes]:
    np = numpy_for(0)
    yield pack(_ordinal_bytes(table.ordinals()), numbers=True, np=np)
    yield pack(table.words(0, "q").tobytes(), numbers=True, np=np)
    yield pack(table.words(1, "q").tobytes(), numbers=True, np=np)
    for number, letter in enumerate(shape.types):
        yield pack(table.words(2 + number, "q").tobytes(), numbers=letter != "d", np=np)


def _ordinal_bytes(ordinals: Sequence[int]) -> bytes:
    if isinstance(ordinals, memoryview):
        return ordinals.tobytes()
    return array("q", ordinals).tobytes()


def _says_the_same(data: bytes, segment: Segment) -> bool:
    """Tell whether a sealed file holds exactly the records of a segment."""
    try:
        index = sealed.parse(data)
        found = sealed.SealedContents(index, memoryview(data), numpy_for(0))
        return not found.damage and _same_contents(found, index.header, segment)
    except CorruptError:
        return False


def _same_contents(found: Any, header: fmt.Header, segment: Segment) -> bool:
    wanted = segment.contents
    plain = (found.end, found.ordinal, found.ended, found.shapes, found.facts, found.used())
    if plain != (
        wanted.end,
        wanted.ordinal,
        wanted.ended,
        wanted.shapes,
        wanted.facts,
        wanted.used(),
    ):
        return False
    if segment.header is None or header[:4] != segment.header[:4]:
        return False
    return all(
        _same_table(one, other, len(shape.keys))
        for number, shape in wanted.shapes.items()
        if number in wanted.pieces
        for one, other in zip(found.blocks(number), wanted.blocks(number), strict=True)
    )


def _same_table(one: Table, other: Table, keys: int) -> bool:
    if (one.count, one.start, one.end) != (other.count, other.start, other.end):
        return False
    if _ordinal_bytes(one.ordinals()) != _ordinal_bytes(other.ordinals()):
        return False
    return all(
        one.words(column, "q").tobytes() == other.words(column, "q").tobytes()
        for column in range(2 + keys)
    )
