"""What the disk cannot take now: records wait here, in bounded memory, and losses are counted."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mendel.journal.format import Shape

MOST_BYTES = 64 << 20
MOST_RECORDS = 1_000_000
# Facts (params, states, …) are few and matter more than points: they may go beyond by so much.
MORE_FOR_FACTS = 16 << 20
_OVERHEAD = 120  # bytes that Python takes for a record beside its own

Entry = tuple["Shape | None", bytes]


class Waiting:
    """Records in the order written: a shape and the packed step, time and values; or a fact."""

    __slots__ = ("_bytes", "entries", "lost", "lost_facts", "untold")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self._bytes = 0
        self.lost = 0
        self.lost_facts = 0
        self.untold = 0  # lost points that the journal does not tell yet

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, entry: Entry) -> bool:
        """Keep a record; False where there is no room left, and then it is counted as lost."""
        shape, record = entry
        size = len(record) + _OVERHEAD
        most = MOST_BYTES if shape is not None else MOST_BYTES + MORE_FOR_FACTS
        if self._bytes + size > most or len(self.entries) >= MOST_RECORDS:
            self._lose(entry)
            return False
        self._bytes += size
        self.entries.append(entry)
        return True

    def done(self) -> None:
        """Forget the first record: it is on the disk."""
        _, record = self.entries.popleft()
        self._bytes -= len(record) + _OVERHEAD

    def give_up(self) -> int:
        """Count all records as lost; return how many there were."""
        count = len(self.entries)
        while self.entries:
            self._lose(self.entries[0])
            self.done()
        return count

    def _lose(self, entry: Entry) -> None:
        shape, _ = entry
        if shape is None:
            self.lost_facts += 1
        else:
            # A point is one value of one key.
            self.lost += len(shape.keys)
            self.untold += len(shape.keys)
