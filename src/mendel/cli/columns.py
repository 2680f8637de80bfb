"""Which columns a list of runs shows, and how their values look in cells."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mendel.cli.shape import metric_values, when
from mendel.cli.table import Cell, Heading
from mendel.cli.text import ago, duration, moment, safe, value_text
from mendel.graph.clock import now
from mendel.graph.errors import QueryError, did_you_mean
from mendel.graph.query_text import name_text
from mendel.graph.values import dumps, flatten
from mendel.track.words import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mendel.graph.run import RunRecord
    from mendel.graph.values import Missing, Value
    from mendel.track.words import Catalog, Group, RunQuery

STATE_STYLES = {
    "COMPLETE": "green",
    "RUNNING": "cyan",
    "FAILED": "red",
    "LOST": "yellow",
    "CANCELLED": "yellow",
}
MOST_METRICS, MOST_PARAMS = 6, 6
MOST_KEYS = 2000  # keys that a short name is looked for in
TIMES = {"created", "started", "ended", "updated", "deleted"}
DRAWERS = ("params.", "metrics.", "tags.")
MACHINE = "system/"  # how the series that a run captures of its machine begin


def choose(records: Sequence[RunRecord]) -> list[str]:
    """Return the columns that tell these runs apart: their metrics, and the params that differ."""
    names = ["name"]
    if len({r.experiment for r in records}) > 1:
        names.append("experiment")
    names += ["state", "started", "duration"]
    names += [f"metrics.{key}" for key in choose_metrics(records)[:MOST_METRICS]]
    names += [f"params.{key}" for key in differing_params(records)[:MOST_PARAMS]]
    return names


def choose_metrics(records: Sequence[RunRecord]) -> list[str]:
    """Return the metrics of runs: those with a goal first, then what most runs have."""
    seen: Counter[str] = Counter()
    goals: set[str] = set()
    for record in records:
        values = metric_values(record)
        seen.update(k for k, v in values.items() if isinstance(v, bool | int | float))
        goals |= {name for name, d in record.definitions.items() if d.goal is not None}
    own = [key for key in seen if not key.startswith(MACHINE)]
    return sorted(own, key=lambda key: (key not in goals, -seen[key], key))


def differing_params(records: Sequence[RunRecord]) -> list[str]:
    """Return the params that are not the same in all runs; of a single run, all."""
    seen: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    records = [r for r in records if r.params]  # one that failed early says nothing of the others
    for record in records:
        for key, value in flatten(record.params):
            seen.setdefault(key, set()).add(dumps(value))
            counts[key] += 1
    differ = [k for k in seen if len(seen[k]) > 1 or counts[k] < len(records) or len(records) == 1]
    return sorted(differ, key=lambda key: (-counts[key], key))


def full_names(catalog: Catalog, query: RunQuery, names: Iterable[str]) -> list[str]:
    """Return columns as the search language names them: ``lr`` may be ``params.lr``.

    Raises:
        QueryError: a name that means nothing, or several things.
    """
    return [_full_name(catalog, query, name.strip()) for name in names if name.strip()]


def full_order(catalog: Catalog, query: RunQuery, terms: Iterable[str]) -> tuple[str, ...]:
    """Return order terms with full names: ``-auc`` becomes ``metrics.auc desc``.

    Raises:
        QueryError: a term that means nothing, or several things.
    """
    from mendel.graph.query import OrderTerm, parse_order, unparse_order

    out = []
    for term in terms:
        try:
            parse_order(term)
            out.append(term)
        except QueryError:
            name, _, way = term.lstrip("-").strip().partition(" ")
            full = _full_name(catalog, query, name)
            down = (way.strip().lower() in {"desc", "descending"}) != term.startswith("-")
            out.append(unparse_order((OrderTerm(full, descending=down),)))
    return tuple(out)


def _full_name(catalog: Catalog, query: RunQuery, name: str) -> str:
    from mendel.graph.query import parse_field

    try:
        return parse_field(name)
    except QueryError as error:
        unknown = error
    found = [k.name for k in catalog.keys(query, containing=name, limit=MOST_KEYS)]
    exact = [full for full in found if full.partition(".")[2] == name]
    exact = exact or _aggregate(catalog, query, name)
    if len(exact) == 1:
        return exact[0]
    if exact:
        raise QueryError(f"{name!r} may be {' or '.join(exact)}; say which", name, 0)
    if found:
        near = ", ".join(found[:8])
        raise QueryError(f"no run has a column {name!r}; there are: {near}", name, 0)
    raise unknown


def unknown(catalog: Catalog, query: RunQuery) -> str:
    """Return which name in a search that found nothing no run has, ready to end a message with."""
    from mendel.graph.query import fields, parse

    there = catalog.experiments()
    for asked in query.experiments or ():
        if not any(asked in {e.name, e.id} for e in there):
            return f": no experiment {safe(asked)!r}{did_you_mean(asked, [e.name for e in there])}"
    for name in fields(parse(query.filter)):
        drawer, _, key = name.partition(".")
        if f"{drawer}." not in DRAWERS:
            continue
        stem = f"{drawer}.{_stem(key)}"
        if not any(k.name in {name, stem} for k in catalog.keys(containing=stem)):
            keys = catalog.keys(prefix=f"{drawer}.", limit=MOST_KEYS)
            known = [k.name.partition(".")[2] for k in keys]
            own = [k for k in known if not k.startswith(MACHINE)]
            return f": no run has {safe(name)}{did_you_mean(key, own)}"
    return ""


def _stem(key: str) -> str:
    from mendel.graph.query_field import AGGREGATES

    head, _, tail = key.rpartition(".")
    return head if head and tail in AGGREGATES else key


def _aggregate(catalog: Catalog, query: RunQuery, name: str) -> list[str]:
    """Return the field that a name such as ``loss.min`` means: the least of a series."""
    from mendel.graph.query_field import AGGREGATES

    head, _, tail = name.rpartition(".")
    if not head or tail not in AGGREGATES:
        return []
    series = [k.name for k in catalog.keys(query, containing=head, limit=MOST_KEYS)]
    return [f"{full}.{tail}" for full in series if full == f"metrics.{head}"]


def values_of(
    catalog: Catalog, ids: Sequence[str], names: Sequence[str]
) -> list[tuple[Value | Missing, ...]]:
    """Return columns of runs by their full names, however odd the names of keys are."""
    spelled = [name_text(name) for name in names]
    return [column.values for column in catalog.columns(ids, spelled)]


def groups_of(
    catalog: Catalog, query: RunQuery, by: Sequence[str], fields: Sequence[str]
) -> list[Group]:
    """Return groups of runs by full names, however odd the names of keys are."""
    spelled = {name_text(field): field for field in fields}
    found = catalog.group(query, [name_text(name) for name in by], list(spelled))
    return [
        replace(group, stats={spelled[text]: value for text, value in group.stats.items()})
        for group in found
    ]


def headings(
    names: Sequence[str], columns: Sequence[Sequence[Any]], *, stay: bool = False
) -> list[Heading]:
    """Return the titles of columns: short where no other column has the same short name."""
    short = Counter(_short(name) for name in names)
    return [
        Heading(
            safe(_short(name) if short[_short(name)] == 1 else name),
            numeric=_numeric(values),
            stays=stay or name == "name",
            weight=_weight(name),
        )
        for name, values in zip(names, columns, strict=True)
    ]


def _weight(name: str) -> int:
    if name in {"started", "duration", "experiment"}:
        return 0
    return 2 if name == "state" or name.startswith("metrics.") else 1


def _short(name: str) -> str:
    drawer, _, rest = name.partition(".")
    return rest if rest and drawer in {"params", "metrics", "tags"} else name


def _numeric(values: Sequence[Any]) -> bool:
    present = [v for v in values if v is not MISSING and v is not None]
    return bool(present) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in present
    )


def cell(name: str, value: Any) -> Cell:
    """Return a value of a column as people read it."""
    if value is MISSING or (value is None and not name.startswith(DRAWERS)):
        return Cell("")
    if name == "state":
        return Cell(str(value), STATE_STYLES.get(str(value), ""))
    if name in TIMES:
        return Cell(ago(float(value), now()))
    if name == "duration":
        return Cell(duration(float(value)))
    return Cell(value_text(value), "dim" if value is None else "")


def exact(name: str, value: Any) -> Value:
    """Return a value of a column for JSON: times as text, None where there is none."""
    if value is MISSING:
        return None
    if name in TIMES and isinstance(value, int | float):
        return when(float(value))
    if name == "state":
        return str(value)
    return value  # type: ignore[no-any-return]


def csv_cell(name: str, value: Any) -> object:
    """Return a value of a column for CSV: exact, empty where there is none."""
    if value is MISSING or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = exact(name, value)
    return plain if isinstance(plain, str | int | float) else dumps(plain)


def started_text(seconds: float | None) -> str:
    """Return when something was, both ways."""
    return "" if seconds is None else f"{moment(seconds)} ({ago(seconds, now())})"
