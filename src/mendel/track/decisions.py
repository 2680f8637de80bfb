"""Keeps what people decide beside the catalog, so that a lost catalog loses no decision.

``decisions.jsonl`` has one JSON object a line. It is only ever appended to, and each append is on
the disk before the catalog's transaction is. A last line that a crash tore is passed over, and the
next append begins on a line of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any

from mendel.graph import values
from mendel.graph.errors import ReadOnlyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mendel.catalog.contract import Decision


class DecisionLog:
    """The catalog's ledger (see `mendel.catalog.contract.Ledger`) in a file."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self.path = path
        self._writable = writable
        self._replaying = False
        self._lock = threading.Lock()

    def append(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions for ever; called inside the transaction that takes them."""
        if self._replaying or not decisions:
            return
        if not self._writable:
            raise ReadOnlyError(
                f"the store {self.path.parent} cannot be written, so nothing can be decided in it. "
                "Copy it to a place of your own, or ask its owner."
            )
        text = "".join(f"{_line(decision)}\n" for decision in decisions).encode()
        with self._lock:
            try:
                self._write(text)
            except OSError as error:
                raise StoreError(
                    f"the decision was not taken: {self.path} cannot be written "
                    f"({error.strerror}). Free some space and try again."
                ) from error

    def _write(self, text: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = b"\n" + text
            try:
                while text:
                    text = text[os.write(descriptor, text) :]
            except OSError:
                with contextlib.suppress(OSError):  # what was half written is one torn line
                    os.ftruncate(descriptor, size)
                raise
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[Decision]:
        """Yield every decision that was kept, in order, each once; torn lines are passed over."""
        from mendel.catalog.contract import Decision

        seen: set[str] = set()
        try:
            lines = self.path.open("rb")
        except FileNotFoundError:
            return
        with lines:
            for line in lines:
                try:
                    kept: Any = values.loads(line)
                    decision = Decision(
                        id=kept["id"],
                        what=kept["what"],
                        target=kept["target"],
                        body=kept["body"],
                        time=kept["time"],
                        actor=kept["actor"],
                    )
                except (ValueError, KeyError, TypeError):
                    continue  # torn by a crash; the transaction it stood in was not committed
                if decision.id not in seen:
                    seen.add(decision.id)
                    yield decision

    @contextlib.contextmanager
    def replaying(self) -> Iterator[None]:
        """While open, decisions that the catalog takes are those of the file: not kept again."""
        self._replaying = True
        try:
            yield
        finally:
            self._replaying = False


def _line(decision: Decision) -> str:
    return values.dumps(
        {
            "id": decision.id,
            "what": decision.what,
            "target": decision.target,
            "body": decision.body,
            "time": decision.time,
            "actor": decision.actor,
        }
    )
