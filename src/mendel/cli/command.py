"""What every command is made of: its options, its help with examples, and how it opens the store.

A command's file says its work and nothing else; `command` gives it ``--store`` and ``--json``,
and calls it with a `Door`, through which it reaches the store and the output.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mendel.graph.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mendel.cli.out import Out
    from mendel.graph.run import RunRecord
    from mendel.graph.values import Value
    from mendel.track.store import Store


@dataclass(frozen=True, slots=True)
class Example:
    """A command line and what it does."""

    line: str
    what: str


class Command(click.Command):
    """A click command that also knows examples, and the shape of its JSON."""

    def __init__(
        self, *args: Any, examples: Sequence[Example] = (), shape: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.shape = shape

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the examples after the options."""
        super().format_epilog(ctx, formatter)
        if not self.examples:
            return
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example.line}\n")
                formatter.write(f"      {example.what}\n")


class Door:
    """How a command reaches the store and its output."""

    def __init__(self, location: str | None, *, as_json: bool) -> None:
        from mendel.cli.out import Out

        self.location = location
        self.out: Out = Out(as_json=as_json)
        self._store: Store | None = None

    def store(self, *, create: bool = False) -> Store:
        """Return the store, opened once; without ``create`` it must be there.

        Raises:
            NotFoundError: there is no store.
        """
        if self._store is None:
            from mendel.track.store import Store

            self._store = Store.open(self.location, create=create)
        return self._store

    def fresh(self) -> Store:
        """Return the store after it took in what runs have written by now."""
        store = self.store()
        store.refresh()
        return store

    def run_ids(self, words: Iterable[str]) -> list[str]:
        """Return the ids of runs that were named; ``-`` stands for names on standard input.

        Raises:
            NotFoundError: a name that no run has.
            InvalidError: no name at all.
        """
        names: list[str] = []
        for word in words:
            names += sys.stdin.read().split("\n") if word == "-" else [word]
        names = [name.strip() for name in names if name.strip()]
        if not names:
            raise InvalidError("no run was named: give ids or names, or - to read them from input.")
        store = self.fresh()
        return list(dict.fromkeys(store.resolve_run(name) for name in names))

    def records(self, words: Iterable[str]) -> list[RunRecord]:
        """Return the runs that were named, whole, in the order named.

        Raises:
            NotFoundError: a name that no run has, or the folder of a run without a record in it.
        """
        ids = self.run_ids(words)
        found = self.store().catalog.get_runs(ids)
        empty = [an_id for an_id in ids if an_id not in found]
        if empty:
            raise NotFoundError(
                f"the folder of run {empty[0]} is here, but no record that can be read. "
                "mendel doctor looks closer."
            )
        return [found[an_id] for an_id in ids]

    def decide(self, what: str, targets: Iterable[str], **body: Value) -> None:
        """Take one decision about many runs, for all or for none.

        Raises:
            ReadOnlyError: the store cannot be written.
            ProtectedError, NotFoundError: see `mendel.catalog.contract.Decision`.
        """
        from mendel.graph import clock
        from mendel.track.person import user
        from mendel.track.words import Decision

        store = self.store()
        store.must_be_writable("decide anything in")
        at, actor = clock.now(), user()
        with store.deciding() as catalog:
            catalog.decide(
                [Decision(clock.new_id(), what, one, dict(body), at, actor) for one in targets]
            )

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()


def complete_run(ctx: click.Context, _param: click.Parameter, begun: str) -> list[Any]:
    """Return names and ids of the newest runs for the shell; silent whatever goes wrong."""
    from click.shell_completion import CompletionItem

    try:
        from mendel.track.store import Store
        from mendel.track.words import RunQuery

        store = Store.open(ctx.params.get("store"), create=False)
        page = store.catalog.find_runs(RunQuery(limit=200))
        columns = store.catalog.columns(page.ids, ["name", "state"])
        names, states = columns[0].values, columns[1].values
        store.close()
    except Exception:  # noqa: BLE001 - a shell that completes must not be shown a traceback
        return []
    out: dict[str, str] = {}
    for an_id, name, state in zip(page.ids, names, states, strict=True):
        out.setdefault(str(name), f"{state} {an_id}")
        if len(begun) >= 4:
            out.setdefault(an_id, str(name))
    return [CompletionItem(k, help=v) for k, v in out.items() if k.startswith(begun)][:50]


def command(
    name: str, *, examples: Sequence[tuple[str, str]], shape: str
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command: it is called with a `Door`, then with its own options.

    Args:
        name: the word that calls it.
        examples: command lines and what each does; shown in the help, and run by the tests' walk.
        shape: what it prints with ``--json``, for the reference.
    """

    def make(function: Callable[..., Any]) -> Command:
        params = list(getattr(function, "__click_params__", []))
        params.reverse()

        def call(store: str | None, as_json: bool, **options: Any) -> Any:
            door = Door(store, as_json=as_json)
            try:
                return function(door, **options)
            finally:
                door.close()

        return Command(
            name,
            params=[*params, *_shared()],
            callback=call,
            help=function.__doc__,
            examples=[Example(*pair) for pair in examples],
            shape=shape,
        )

    return make


def _shared() -> list[click.Parameter]:
    return [
        click.Option(
            ["--store"],
            metavar="PATH",
            envvar="MENDEL_STORE",
            show_envvar=True,
            help="The store; else [tool.mendel] in pyproject.toml, else .mendel here or above.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON."),
    ]


def run_argument(*, many: bool = False, required: bool = True) -> Callable[[Any], Any]:
    """Return the argument that names runs: ids, their beginnings, names, ``experiment/name``."""
    return click.argument(
        "runs" if many else "run",
        nargs=-1 if many else 1,
        required=required,
        metavar=("RUN…" if many else "RUN") if required else ("[RUN]…" if many else "[RUN]"),
        shell_complete=complete_run,
    )
