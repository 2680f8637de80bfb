"""What the demo says things through: the part of the command line's output that it uses.

The demo stands below the command line and may not import it; whoever runs the demo gives it one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager


class Voice(Protocol):
    """Says what was done, beside the answer; with ``as_json`` nothing is heard of it."""

    as_json: bool

    def done(self, text: str) -> None:
        """Say what was done."""
        ...


class Screen(Voice, Protocol):
    """Answers, remarks and bars. With ``as_json`` only `data` and `warning` are heard."""

    def title(self, text: str) -> None:
        """Begin a part."""
        ...

    def grid(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table; the first column is text, the others are numbers."""
        ...

    def say(self, text: str = "") -> None:
        """Say one line of the answer."""
        ...

    def warning(self, text: str) -> None:
        """Say what may surprise."""
        ...

    def data(self, value: Any) -> None:
        """Give the answer to a program, as JSON."""
        ...

    def progress(self, label: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Show a bar; its function takes what is done and the total."""
        ...
