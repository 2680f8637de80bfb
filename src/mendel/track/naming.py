"""How experiments and runs get their ids and names without asking the catalog.

A small file of the store, read before each start, says which id an experiment's name means.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import shorten

if TYPE_CHECKING:
    from mendel.catalog.contract import Decision
    from mendel.track.store import Store

NAMES = "experiments.json"  # {name: id}
MAX_NAME = 500  # characters: what a table can show and a person can tell apart


def check_name(name: object, what: str) -> str:
    """Return a display name, or say why it cannot be one. Any script and sign will do.

    Raises:
        WrongTypeError: it is no text.
        InvalidError: it is empty, longer than 500 characters, or has control characters.
    """
    if not isinstance(name, str):
        raise WrongTypeError(
            f"the name of {what} must be text, not {type(name).__name__} {name!r}."
        )
    if not name.strip():
        raise InvalidError(f"the name of {what} is empty; give it a name.")
    if len(name) > MAX_NAME:
        raise InvalidError(
            f"the name of {what} has {len(name)} characters ({shorten(name, 40)!r}); at most "
            f"{MAX_NAME} are taken. Put the rest into a note, a tag or a param."
        )
    bad = next((sign for sign in name if not sign.isprintable() and not sign.isspace()), None)
    line = next((sign for sign in name if sign in "\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029"), None)
    wrong = bad or line
    if wrong is not None:
        raise InvalidError(
            f"the name of {what} has the sign {wrong!r} in {shorten(name, 60)!r}, which no "
            "line can show. Leave it out."
        )
    return str(name)


def experiment_id(store: Store, name: str) -> str:
    """Return the id that an experiment's name means in a store; a new name gets a new one.

    Two processes that begin with a name at once may both make one: the catalog takes the two for
    one experiment. This file only keeps such ids few.
    """
    known = _read(store).get(name)
    if known is not None:
        return known
    made = clock.new_id()
    with contextlib.suppress(OSError):
        _note(store, {name: made})
    return made


def is_noted(store: Store, name: str) -> bool:
    """Tell whether an experiment was begun in this store, as far as the file knows."""
    return name in _read(store)


def note_decision(store: Store, decision: Decision) -> None:
    """Have names mean what people decided.

    A renamed experiment is meant by its new name and by the old one, so that scripts go on writing
    to it; the name of a deleted one is free for another.
    """
    change: dict[str, str | None]
    if decision.what == "rename_experiment":
        change = {str(decision.body["name"]): decision.target}
    elif decision.what in {"delete_experiment", "restore_experiment"}:
        gone = decision.what == "delete_experiment"
        names = [e.name for e in store.catalog.experiments(deleted=None) if e.id == decision.target]
        change = dict.fromkeys(names, None if gone else decision.target)
        if gone:
            change |= {n: None for n, known in _read(store).items() if known == decision.target}
    else:
        return
    _note(store, change)


def _read(store: Store) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        kept = json.loads((store.root / NAMES).read_bytes())
        return {name: known for name, known in kept.items() if clock.is_id(known)}
    return {}


def _note(store: Store, change: dict[str, str | None]) -> None:
    names = {**_read(store), **change}
    kept = {name: known for name, known in names.items() if known is not None}
    mine = store.root / f".{clock.new_id()}.tmp"
    mine.write_text(json.dumps(kept, sort_keys=True), encoding="ascii")
    mine.replace(store.root / NAMES)


def run_name(run_id: str) -> str:
    """Return a name for a run that was given none: when it began, by the clock on the wall."""
    began = time.localtime(clock.id_time(run_id))
    return f"run-{time.strftime('%Y%m%d-%H%M%S', began)}-{run_id[-3:].lower()}"
