"""How experiments and runs get their ids and names without asking anyone.

Every process that says "experiment churn" must mean the same one, also without a catalog and on two
machines at once; so an experiment's id follows from its name. What people decide later (a new name,
a deletion) is noted in a small file of the store, read before each start.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import shorten

if TYPE_CHECKING:
    from mendel.catalog.contract import Decision
    from mendel.track.store import Store

REDIRECTS = "experiments.json"
MAX_NAME = 500  # characters: what a table can show and a person can tell apart
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


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
    """Return the id that a name means in a store: the one it always had, or that people gave it."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        kept = json.loads((store.root / REDIRECTS).read_bytes()).get(name)
        if isinstance(kept, str) and clock.is_id(kept):
            return kept
    return id_of_name(name)


def id_of_name(name: str) -> str:
    """Return the id that follows from an experiment's name: a ULID of the year 1970."""
    digest = hashlib.sha256(b"mendel experiment\0" + name.encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest[:10], "big")
    return "0" * 10 + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(75, -1, -5))


def note_decision(store: Store, decision: Decision) -> None:
    """Have a name mean what people decided: a new name the same experiment, a deleted one a new."""
    if decision.what == "rename_experiment":
        change = {str(decision.body["name"]): decision.target}
    elif decision.what == "delete_experiment":
        known = {e.id: e.name for e in store.catalog.experiments(deleted=None)}
        if decision.target not in known:
            return
        change = {known[decision.target]: decision.id}
    elif decision.what == "restore_experiment":
        known = {e.id: e.name for e in store.catalog.experiments(deleted=None)}
        if decision.target not in known:
            return
        change = {known[decision.target]: decision.target}
    else:
        return
    note_names(store, change)


def note_names(store: Store, change: dict[str, str]) -> None:
    """Have names mean experiments from now on."""
    path = store.root / REDIRECTS
    names: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        names = json.loads(path.read_bytes())
    names.update(change)
    mine = path.with_name(f".{clock.new_id()}.tmp")
    mine.write_text(json.dumps(names, sort_keys=True), encoding="ascii")
    mine.replace(path)


def run_name(run_id: str) -> str:
    """Return a name for a run that was given none: when it began, by the clock on the wall."""
    began = time.localtime(clock.id_time(run_id))
    return f"run-{time.strftime('%Y%m%d-%H%M%S', began)}-{run_id[-3:].lower()}"
