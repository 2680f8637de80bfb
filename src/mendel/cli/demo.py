"""``mendel demo``: Mendel at work on real data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mendel.cli.command import command
from mendel.cli.table import Cell, Heading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from mendel.cli.command import Door
    from mendel.cli.out import Out


@command(
    "demo",
    examples=[
        ("mendel demo", "train on 336,776 flights; about a minute"),
        ("mendel demo --fast", "a glance: a twentieth of the flights"),
        ("mendel demo --json | jq .best", "what came of it, for a program"),
    ],
    shape='{"experiment", "store", "library", "seconds", "kept": [names], '
    '"runs": [{"id", "name", "state", "group", "params", "metrics", "points"}], '
    '"best": {"id", "name", "metric", "value"}, "groups": [{"group", "runs", metric: '
    '{"mean", "deviation", "n"}}], "came_from": [names], "next": [command lines]}',
)
@click.option("--fast", is_flag=True, help="A twentieth of the flights, a tenth of the steps.")
@click.option("--again", is_flag=True, help="Train anew, though it was done before.")
@click.option("--no-install", is_flag=True, help="Refuse where libraries are missing.")
def command_(door: Door, *, fast: bool, again: bool, no_install: bool) -> None:
    """See Mendel at work on real data: which flights of 2013 came late?

    Prepares all flights that left New York City in 2013, trains a linear baseline and boosted trees
    with live curves, and shows what was recorded. Interrupted with Ctrl-C it goes on when called
    again. Libraries that it needs and you do not have go into a private environment in the store.
    """
    from mendel.demo import main

    store = door.store(create=True)
    main.run(_Screen(door.out), store=store, fast=fast, again=again, install=not no_install)


class _Screen:
    """The command line's output, as the demo knows it."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self.as_json = out.as_json

    def title(self, text: str) -> None:
        self._out.title(text)

    def grid(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        headings = [Heading(title, numeric=i > 0, stays=i == 0) for i, title in enumerate(header)]
        self._out.table(headings, [[Cell(text) for text in row] for row in rows])

    def say(self, text: str = "") -> None:
        self._out.line(text)

    def done(self, text: str) -> None:
        self._out.done(text)

    def warning(self, text: str) -> None:
        self._out.warning(text)

    def data(self, value: Any) -> None:
        self._out.data(value)

    def progress(self, label: str) -> AbstractContextManager[Callable[[int, int], None]]:
        return self._out.progress(label)
