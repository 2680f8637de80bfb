"""The only file that prints. What a command has to say goes through here, to people or to programs.

Answers go to standard output; remarks, progress, questions and errors go to standard error, so that
``mendel runs --json | jq`` never meets a remark. Colour is used on terminals only, never where
``NO_COLOR`` is set (https://no-color.org), always where ``FORCE_COLOR`` is.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from mendel.cli.table import Cell, cut, lay_out
from mendel.cli.text import safe, size
from mendel.graph.values import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mendel.cli.table import Heading

BROKEN_PIPE = 141  # as a shell tells of a program that SIGPIPE ended
_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


class PipeClosed(Exception):
    """Whoever reads our output has gone, as ``| head`` does."""


class _Streams:
    """Standard output and standard error, painted where they may be, quiet where nobody reads."""

    def __init__(self) -> None:
        self.terminal = _is_terminal(sys.stdout)
        self._colour = _wants_colour(sys.stdout)
        self._error_colour = _wants_colour(sys.stderr)
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a name that the terminal cannot show is no error
                stream.reconfigure(errors="backslashreplace")

    def _say(self, *cells: Cell) -> None:
        self._flush()
        painted = "".join(self._painted(c, colour=self._error_colour) for c in cells)
        print(painted, file=sys.stderr, flush=True)

    @staticmethod
    def _painted(cell: Cell | str, *, colour: bool) -> str:
        if isinstance(cell, str):
            return cell
        codes = [_STYLES[word] for word in cell.style.split()]
        if not colour or not codes or not cell.text:
            return cell.text
        return f"\x1b[{';'.join(codes)}m{cell.text}\x1b[0m"

    def _write(self, text: str) -> None:
        with self._pipe():
            sys.stdout.write(text)

    def _flush(self) -> None:
        with self._pipe():
            sys.stdout.flush()

    @contextmanager
    def _pipe(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            close_quietly()
            raise PipeClosed from None

    def finish(self) -> None:
        """Hand over all that was printed.

        Raises:
            PipeClosed: nobody reads it.
        """
        self._flush()


class Out(_Streams):
    """What one command says."""

    def __init__(self, *, as_json: bool = False) -> None:
        super().__init__()
        self.as_json = as_json

    @property
    def width(self) -> int | None:
        """How wide a line may be, in cells; None where output goes to a file or a pipe."""
        if os.environ.get("COLUMNS", "").isdigit() or self.terminal:
            return max(20, shutil.get_terminal_size((80, 24)).columns)
        return None

    # -- answers --

    def line(self, *cells: Cell | str) -> None:
        """Print one line made of pieces; a str is a piece without a style."""
        self._write("".join(self._painted(c, colour=self._colour) for c in cells) + "\n")

    def lines(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Print lines of pieces."""
        for cells in lines:
            self.line(*cells)

    def title(self, text: str) -> None:
        """Print the title of a part, with an empty line before it."""
        self.line()
        self.line(Cell(text, "bold"))

    def table(self, headings: Sequence[Heading], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table in the width that there is; a remark names the columns that did not fit."""
        laid = lay_out(headings, rows, self.width)
        self.lines(laid.lines)
        if laid.hidden:
            shown = ", ".join(laid.hidden[:8]) + (", …" if len(laid.hidden) > 8 else "")
            self.remark(f"no room for: {shown}  (a wider terminal, --columns, --csv or --json)")

    def grid(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table of plain words: the first column is text, the others are numbers."""
        from mendel.cli.table import Heading

        headings = [Heading(safe(h), numeric=i > 0, stays=i == 0) for i, h in enumerate(header)]
        self.table(headings, [[Cell(safe(text)) for text in row] for row in rows])

    def say(self, text: str = "") -> None:
        """Print one line of plain words."""
        self.line(safe(text))

    def fields(self, pairs: Sequence[tuple[str, str | Cell]]) -> None:
        """Print names and values, one a line; a value may go on over the width, it is never cut."""
        margin = max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            cell = value if isinstance(value, Cell) else Cell(value)
            first, *rest = cell.text.split("\n")
            self.line(Cell(f"{name:<{margin}}  ", "dim"), Cell(first, cell.style))
            for more in rest:
                self.line(" " * (margin + 2), Cell(more, cell.style))

    def data(self, value: Any) -> None:
        """Print a value as one JSON document (typed as in graph/values: NaN, inf, datetimes)."""
        self._write(
            json.dumps(to_json(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        )

    def document(self, value: Any) -> None:
        """Print what is plain JSON already."""
        self._write(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")

    def data_line(self, value: Any) -> None:
        """Print a value as one line of JSON, at once."""
        self._write(json.dumps(to_json(value), ensure_ascii=False, allow_nan=False) + "\n")
        self._flush()

    def csv(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows as CSV (RFC 4180): exact numbers, empty where there is no value."""
        import csv
        import io

        page = io.StringIO()
        writer = csv.writer(page, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        self._write(page.getvalue())

    def raw(self, text: str) -> None:
        """Print text as it is."""
        self._write(text)

    def markdown(self, text: str) -> None:
        """Print Markdown, laid out on a terminal and as it is elsewhere."""
        if not self.terminal:
            self._write(safe(text, keep_lines=True).rstrip("\n") + "\n")
            return
        from rich.console import Console
        from rich.markdown import Markdown

        console = Console(no_color=not self._colour, width=self.width)
        with self._pipe():
            console.print(Markdown(safe(text, keep_lines=True), hyperlinks=False))

    def redraw(self, lines: Sequence[Sequence[Cell]], before: int) -> int:
        """Replace the last ``before`` lines on a terminal by others; return their number."""
        width, height = self.width or 80, shutil.get_terminal_size((80, 24)).lines
        shown = list(lines)[: height - 1]  # what scrolled away cannot be replaced
        up = f"\x1b[{before}F\x1b[J" if before else ""
        self._write(up + "".join(self._fitted(line, width) + "\n" for line in shown))
        self._flush()
        return len(shown)

    def _fitted(self, line: Sequence[Cell], width: int) -> str:
        text, room = "", width
        for cell in line:
            piece = cut(cell.text, room) if room > 0 else ""
            text += self._painted(Cell(piece, cell.style), colour=self._colour)
            room -= len(piece)
        return text

    # -- remarks --

    def remark(self, text: str) -> None:
        """Say something about the answer, on standard error; with JSON nothing is said."""
        if not self.as_json:
            self._say(Cell(self._wrapped(text), "dim"))

    def _wrapped(self, text: str) -> str:
        """Break a remark between words where a terminal would break it within one."""
        if not _is_terminal(sys.stderr) or len(text) <= (width := self.width or 80):
            return text
        import textwrap

        return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)

    def done(self, text: str) -> None:
        """Say what was done, where no answer was asked for."""
        if not self.as_json:
            self._say(Cell(text))

    def warning(self, text: str) -> None:
        """Say what may surprise, on standard error."""
        self._say(Cell("warning: ", "yellow"), Cell(safe(text, keep_lines=True)))

    def error(self, kind: str, text: str, position: int | None = None) -> None:
        """Say what went wrong, on standard error."""
        if self.as_json:
            told: dict[str, Any] = {"type": kind, "message": text}
            if position is not None:
                told["position"] = position
            body = json.dumps({"error": to_json(told)}, ensure_ascii=False)
            print(body, file=sys.stderr, flush=True)
            return
        self._say(Cell("error: ", "red bold"), Cell(safe(text, keep_lines=True)))

    def ask(self, question: str) -> bool:
        """Ask yes or no on the terminal; an empty answer is no."""
        sys.stderr.write(f"{safe(question)} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def can_ask(self) -> bool:
        """Tell whether a person is there to answer."""
        return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    @contextmanager
    def progress(
        self, label: str, *, as_bytes: bool = False
    ) -> Iterator[Callable[[int, int], None]]:
        """Show a bar on the terminal; yields a function to call with what is done and the total."""
        if self.as_json or not _is_terminal(sys.stderr):
            yield lambda _done, _total: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True, no_color=not self._error_colour)
        count = TextColumn("{task.fields[count]}")
        with Progress(
            TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn(),
            console=console, transient=True,
        ) as bar:  # fmt: skip
            task = bar.add_task(label, total=None, count="")

            def show(done: int, total: int) -> None:
                told = f"{size(done)}/{size(total)}" if as_bytes else f"{done:,}/{total:,}"
                bar.update(task, completed=done, total=total, count=told)

            yield show


def close_quietly() -> None:
    """Point standard output nowhere, so that Python's own last flush cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return _is_terminal(stream) and os.environ.get("TERM") != "dumb"
