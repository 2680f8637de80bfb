"""Where a fact of the graph goes: into the journal of a run, or into the store's ledger.

What is made while a run is active belongs to that run, and travels with its folder; what is made
outside of any run goes to the ledger. Nothing here opens the catalog: writing a node costs what a
journal record costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

from mendel.graph import clock
from mendel.graph.errors import InvalidError, WrongTypeError, did_you_mean
from mendel.graph.values import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mendel.graph.values import Value
    from mendel.track.store import Store

MAX_ID = 500  # characters of an id that a user gives to a node


class Recorder(Protocol):
    """A run, as far as the graph is concerned."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def store(self) -> Store:
        """The store that it lies in."""
        ...

    @property
    def writable(self) -> bool:
        """Whether it takes more of what happens."""
        ...

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a fact into its journal."""
        ...


class Elsewhere(TypedDict, total=False):
    """Where Vertex keeps things; taken so that its scripts run, and of no effect here."""

    metadata_store_id: object
    project: object
    location: object
    credentials: object


def ignore(elsewhere: Elsewhere) -> None:
    """Pass over Vertex's arguments, and refuse any other, as Python would.

    Raises:
        WrongTypeError: a keyword that no one knows.
    """
    for name in elsewhere:
        if name not in Elsewhere.__annotations__:
            raise WrongTypeError(f"got an unexpected keyword argument {name!r}")


def current_store() -> Store:
    """Return the store of this process."""
    from mendel.track import session

    return session.current_store()


def active_run() -> Recorder | None:
    """Return the run that is active here, or that the environment names; None if there is none."""
    from mendel.track.start import active_or_named

    return active_or_named()


def disabled() -> bool:
    """Tell whether Mendel is turned off (``MENDEL_MODE=disabled``)."""
    from mendel.track import session

    return session.disabled()


def write(
    kind: str, body: dict[str, Value], *, run: Recorder | None = None, time: float | None = None
) -> None:
    """Write a fact into a run's journal, else into the active run's, else into the ledger.

    Where Mendel is turned off nothing is written.
    """
    to = run if run is not None and run.writable else active_run()
    if to is not None and to.writable:
        to.fact(kind, body, time=time)
    elif not disabled():
        store = current_store() if run is None else run.store
        store.ledger.fact(kind, body, time=time)


def compact(body: Mapping[str, Value]) -> dict[str, Value]:
    """Return a fact's body without what is None."""
    return {key: value for key, value in body.items() if value is not None}


def new_node_id(given: str | None, what: str) -> str:
    """Return an id for a node: the user's, checked, or a new one.

    Raises:
        WrongTypeError: it is no text.
        InvalidError: it is empty, too long, or has a slash or a control character.
    """
    if given is None:
        return clock.new_id()
    if not isinstance(given, str):
        raise WrongTypeError(f"the resource_id of {what} must be text, not {given!r}.")
    bad = next((c for c in given if c == "/" or not c.isprintable()), None)
    if not given.strip() or len(given) > MAX_ID or bad is not None:
        wrong = "is empty" if not given.strip() else f"has the sign {bad!r}"
        if len(given) > MAX_ID:
            wrong = f"has {len(given)} characters; at most {MAX_ID} are taken"
        raise InvalidError(
            f"the resource_id {shorten(given)!r} of {what} {wrong}. Give a plain name, or leave it "
            "out: an id is made, and display_name takes any text."
        )
    return given


def last_part(name: str, noun: str) -> str:
    """Return the id in a resource name: ``projects/…/artifacts/x`` and ``x`` both mean ``x``.

    Raises:
        WrongTypeError: it is no text.
        InvalidError: it names another kind of thing.
    """
    if not isinstance(name, str):
        raise WrongTypeError(f"a name must be text, not {type(name).__name__}.")
    if "/" not in name:
        return name
    head, _, an_id = name.rpartition("/")
    found = head.rpartition("/")[2]
    if found != noun:
        raise InvalidError(
            f"{shorten(name)!r} names no {noun[:-1]}{did_you_mean(found, [noun])}: expected an id, "
            f"or a resource name that ends in {noun}/<id>."
        )
    return an_id
