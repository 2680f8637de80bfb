"""Console output, copied line by line into the run; printing itself always comes first."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Console:
    """Copies what Python code prints to ``write(stream, text)``, whole lines at a time.

    A line that is rewritten with carriage returns (a progress bar) is kept as it stood at its end.
    Output that does not pass through ``sys.stdout`` and ``sys.stderr`` (a C library, a child
    process) is not seen.
    """

    def __init__(self, write: Callable[[str, str], None]) -> None:
        self._tees = [_Tee(name, write) for name in ("stdout", "stderr")]

    def start(self) -> None:
        """Begin to copy."""
        for tee in self._tees:
            tee.attach()

    def stop(self) -> None:
        """Stop copying, and hand over the unfinished lines."""
        for tee in self._tees:
            tee.detach()


class _Tee:
    """Stands in for one of the two streams; everything but write() is the stream's own."""

    def __init__(self, name: str, write: Callable[[str, str], None]) -> None:
        self._name = name
        self._copy = write
        self._stream: Any = None
        self._line = ""
        self._on = False
        self._lock = threading.RLock()

    def attach(self) -> None:
        self._stream = getattr(sys, self._name)
        if self._stream is not None:  # there is none in a process without a console
            self._on = True
            setattr(sys, self._name, self)

    def detach(self) -> None:
        if self._on:
            self._on = False  # from here on it only passes through, if somebody kept it
            if getattr(sys, self._name) is self:
                setattr(sys, self._name, self._stream)
            with self._lock:
                line, self._line = self._line, ""
            if line:
                self._hand_over(line)

    def write(self, text: str) -> int:
        """Print, then copy."""
        written: int = self._stream.write(text)
        if self._on and isinstance(text, str):
            with self._lock:
                *lines, self._line = (self._line + text).split("\n")
                self._line = self._line.rpartition("\r")[2] if "\r" in text else self._line
            for line in lines:
                self._hand_over(line.rstrip("\r").rpartition("\r")[2] + "\n")
        return written

    def writelines(self, lines: list[str]) -> None:
        """Print and copy several texts."""
        for line in lines:
            self.write(line)

    def _hand_over(self, line: str) -> None:
        try:
            self._copy(self._name, line)
        except Exception:  # noqa: BLE001 - printing must go on whatever becomes of the copy
            self._on = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
