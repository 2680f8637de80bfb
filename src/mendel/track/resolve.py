"""Finds the run that a text means: an id, a part of one, a name, or ``experiment/name``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.graph.errors import InvalidError, NotFoundError
from mendel.graph.values import shorten
from mendel.track import notice

if TYPE_CHECKING:
    from mendel.track.store import Store

SHORTEST = 4  # characters of an id


def resolve(store: Store, text: str) -> str:
    """See `Store.resolve_run`."""
    text = text.strip()
    if store.is_run(text.upper()):
        return text.upper()
    store.refresh()
    return _by_name(store, text) or _by_part(store, text) or _none(store, text)


def _by_name(store: Store, text: str) -> str | None:
    from mendel.catalog.contract import RunQuery

    for deleted in (False, True):  # what lies in the trash is meant only if nothing else is
        pairs: list[tuple[str, str | None]] = [(text, None)]
        parts = text.split("/")
        pairs += [("/".join(parts[n:]), "/".join(parts[:n])) for n in range(1, len(parts))]
        for name, experiment in pairs:
            if not name or experiment == "":
                continue
            page = store.catalog.find_runs(
                RunQuery(
                    filter=f"name = {quote(name)}",
                    experiments=None if experiment is None else (experiment,),
                    deleted=deleted,
                    limit=1,
                )
            )
            if page.total > 1:
                notice.say(
                    f"{page.total} runs are named {shorten(text)!r}; the newest is meant: "
                    f"{page.ids[0]}"
                )
            if page.ids:
                return page.ids[0]
    return None


def _by_part(store: Store, text: str) -> str | None:
    from mendel.catalog.contract import RunQuery

    part = text.upper()
    if not SHORTEST <= len(part) < clock.ID_LENGTH or not part.isalnum():
        return None
    known = store.catalog.find_runs(RunQuery(deleted=None, limit=None)).ids
    found = [run for run in known if run.endswith(part)]
    found = found or [run for run in known if run.startswith(part)]
    if len(found) > 1:
        some = ", ".join(found[:3])
        raise InvalidError(
            f"{text!r} is part of the ids of {len(found)} runs ({some}, …). Give more of it; the "
            "last characters tell ids apart best."
        )
    return found[0] if found else None


def _none(store: Store, text: str) -> str:
    from mendel.catalog.contract import RunQuery

    newest = store.catalog.find_runs(RunQuery(limit=1000)).ids
    [names] = store.catalog.columns(newest, ["name"])
    known = list(dict.fromkeys(str(name) for name in names.values))
    near = difflib.get_close_matches(text, known, n=3)
    if near:
        hint = "Did you mean " + " or ".join(repr(name) for name in near) + "?"
    elif known:
        hint = "The newest are: " + ", ".join(repr(name) for name in known[:5]) + "."
    else:
        hint = "The store has no runs yet."
    raise NotFoundError(f"no run {shorten(text)!r} in {store.root}. {hint}")


def quote(text: str) -> str:
    """Return a text as a value of the search language."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
