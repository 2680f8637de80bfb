"""Runs that are asked for: a search is put together in steps, and read when its answer is wanted.

A `Runs` never changes: each step gives a new one, so that a part may be kept and built upon.
Nothing is read before the end of the chain; then what is running is looked at first, so that the
answer is of now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

from mendel.catalog.contract import RunQuery
from mendel.graph.errors import InvalidError, NotFoundError, WrongTypeError
from mendel.graph.values import MISSING, flatten, same
from mendel.track import show
from mendel.track.columnar import Tabular, typed
from mendel.track.group import GroupBy
from mendel.track.series import Curves, RunSeries
from mendel.track.show import Picture
from mendel.track.view import RunView, Source, columns, field_name, here, is_system, need_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mendel.track.columnar import TypedColumn

SHOWN_RUNS = 10
SHOWN_COLUMNS = 6
MAX_CELLS = 50_000_000  # as Python values some 4 GiB: beyond it columns must be chosen
BATCH = 500  # records read at once while iterating
TIME_FIELDS = frozenset({"created", "started", "ended", "updated", "deleted"})
DRAWERS = ("params.", "metrics.", "tags.")
ABOUT = ("id", "name", "experiment", "state", "started", "duration")


@dataclass(frozen=True, slots=True)
class Search:
    """What has been asked so far."""

    filters: tuple[str, ...] = ()
    experiments: tuple[str, ...] | None = None
    order: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    limit: int | None = None
    deleted: bool | None = False

    def query(self, limit: int | None) -> RunQuery:
        """Return what to ask a catalog for."""
        parts = [f"({f})" for f in self.filters] if len(self.filters) > 1 else self.filters
        return RunQuery(
            filter=" and ".join(parts),
            experiments=self.experiments,
            order_by=self.order,
            deleted=self.deleted,
            limit=limit,
        )


class Runs(Tabular, Picture):
    """The runs that match a search: lazy, and never changed by what is called on it.

    >>> good = mendel.runs("metrics.auc > 0.9", experiments="churn")     # doctest: +SKIP
    >>> good.where("params.model = 'gbdt'").order_by("metrics.auc desc").first()    # doctest: +SKIP
    """

    __slots__ = ("_search", "_source")

    def __init__(self, search: Search, source: Source | None = None) -> None:
        self._search = search
        self._source = source

    # -- putting the search together --

    def where(self, filter: str) -> Runs:  # noqa: A002 - the word that everyone uses
        """Return the runs that also match a filter (docs/reference/search.md).

        Raises:
            QueryError: the filter cannot be read; the error points at the character.
        """
        from mendel.graph.query import parse

        need_text(filter, "a filter")
        if not filter.strip():
            return self
        parse(filter)  # an error points into the user's own text, not into a longer one
        return self._with(filters=(*self._search.filters, filter))

    def order_by(self, *terms: str) -> Runs:
        """Return the runs in another order: ``order_by("metrics.loss asc", "started desc")``.

        Runs without a value come last either way; without an order the newest come first.

        Raises:
            QueryError: a term cannot be read.
        """
        from mendel.graph.query import parse_order

        for term in terms:
            need_text(term, "an order term")
            parse_order(term)
        return self._with(order=terms)

    def select(self, *fields: str) -> Runs:
        """Return the runs with only these columns: ``select("name", "params.lr", "metrics.auc")``.

        Any name that a filter knows may be given; none brings all columns back.

        Raises:
            QueryError: a name cannot be read; odd ones are quoted: ``"params.`learning rate`"``.
        """
        return self._with(fields=tuple(dict.fromkeys(field_name(f, "a column") for f in fields)))

    def limit(self, n: int) -> Runs:
        """Return the first n of the runs.

        Raises:
            InvalidError: n is negative.
        """
        if type(n) is not int:
            raise WrongTypeError(f"limit({n!r}): give a whole number.")
        if n < 0:
            raise InvalidError(f"limit({n}): give 0 or more.")
        return self._with(limit=n)

    def group_by(self, *fields: str) -> GroupBy:
        """Return the runs grouped by equal values of some fields, to be aggregated with ``agg``.

        >>> mendel.runs().group_by("params.lr").agg("metrics.loss")         # doctest: +SKIP

        Raises:
            InvalidError: no field is given, or a limit is set: a mean over some of the runs would
                look like one over all.
        """
        if self._search.limit is not None:
            raise InvalidError(
                f"limit({self._search.limit}) before group_by would leave runs out of the means "
                "without showing it. Narrow the runs with where(…) instead."
            )
        by = [field_name(f, "a field to group by") for f in fields]
        return GroupBy(self.source, self._search.query(None), by)

    # -- reading it --

    def ids(self) -> list[str]:
        """Return the ids of the runs, in order."""
        return list(self._find())

    def first(self) -> RunView | None:
        """Return the first run, or None where none matches."""
        return next(iter(self.limit(1)), None) if self._search.limit != 0 else None

    def series(
        self,
        *keys: str,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> Curves:
        """Return series of all runs, in the order of runs, then keys (none given: every key).

        Exact unless ``buckets`` asks for a picture of so many step ranges; each result says which.
        """
        source = self.source
        ids = self._find()
        records = source.catalog.get_runs(ids)
        found = source.catalog.series(ids, keys or None, buckets=buckets, steps=steps)
        return Curves([RunSeries(source, s, records[s.run], steps) for s in found])

    def __iter__(self) -> Iterator[RunView]:
        source = self.source
        ids = self._find()
        for begin in range(0, len(ids), BATCH):
            batch = ids[begin : begin + BATCH]
            found = source.catalog.get_runs(batch)
            yield from (RunView(source, found[i]) for i in batch if i in found)

    def __len__(self) -> int:
        source = self.source
        source.refresh()
        total = source.catalog.find_runs(self._search.query(1)).total
        return total if self._search.limit is None else min(total, self._search.limit)

    @overload
    def __getitem__(self, index: int) -> RunView: ...
    @overload
    def __getitem__(self, index: slice) -> list[RunView]: ...
    def __getitem__(self, index: int | slice) -> RunView | list[RunView]:
        source = self.source
        ids = self._find()[index]
        found = source.catalog.get_runs([ids] if isinstance(ids, str) else ids)
        if isinstance(ids, str):
            return RunView(source, found[ids])
        return [RunView(source, found[i]) for i in ids if i in found]

    # -- how --

    def _with(self, **changes: Any) -> Runs:
        return Runs(replace(self._search, **changes), self._source)

    @property
    def source(self) -> Source:
        """Where the runs are read."""
        return self._source if self._source is not None else here()

    def _find(self) -> tuple[str, ...]:
        source = self.source
        source.refresh()
        return source.catalog.find_runs(self._search.query(self._search.limit)).ids

    def _table(self) -> tuple[list[TypedColumn], int]:
        source = self.source
        ids = self._find()
        fields = self._search.fields or self._all_fields(source)
        if len(ids) * len(fields) > MAX_CELLS:
            raise InvalidError(
                f"{len(ids):,} runs with {len(fields):,} columns are {len(ids) * len(fields):,} "
                'values; choose columns: .select("name", "params.…", "metrics.…"), or narrow the '
                "runs with .where(…) or .limit(…)."
            )
        found = columns(source, ids, fields)
        return [typed(name, _readable(name, values)) for name, values in found.items()], len(ids)

    def _all_fields(self, source: Source) -> tuple[str, ...]:
        known = source.catalog.keys(self._search.query(None))
        shown = [k.name for k in known if k.name.startswith(DRAWERS) and not is_system(k.name)]
        return (*ABOUT, *shown)

    def _picture(self) -> tuple[Sequence[str], Sequence[Sequence[Any]], str]:
        most = self._search.limit
        runs = list(self._with(limit=SHOWN_RUNS if most is None else min(SHOWN_RUNS, most)))
        total = len(self)
        fields, left_out = self._search.fields, 0
        if not fields:
            fields, left_out = _telling_fields(runs)
        found = columns(self.source, [r.id for r in runs], fields)
        values = [_cells(name, _readable(name, values)) for name, values in found.items()]
        note = _note(total, len(runs), left_out)
        return list(found), list(zip(*values, strict=True)), note


def _readable(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return a column for people: times as datetimes in UTC."""
    if name not in TIME_FIELDS:
        return values
    return [
        datetime.fromtimestamp(v, UTC) if isinstance(v, int | float) else MISSING for v in values
    ]


def _cells(field: str, values: Sequence[Any]) -> Sequence[Any]:
    if field != "duration":
        return values
    return [show.span(v) if isinstance(v, int | float) else MISSING for v in values]


def _note(total: int, shown: int, left_out: int) -> str:
    note = f"{total:,} run{'' if total == 1 else 's'}"
    if total > shown:
        note += f", the first {shown} are shown; to_pandas() has all"
    return f"{note}; {left_out:,} more columns" if left_out else note


def _telling_fields(runs: Iterable[RunView]) -> tuple[tuple[str, ...], int]:
    """Return the columns worth showing of a few runs, and how many are left out.

    Params that differ come first, then metrics that most runs have.
    """
    runs = list(runs)
    params: dict[str, list[Any]] = {}
    metrics: dict[str, int] = {}
    for run in runs:
        for key, value in flatten(run.record.params):
            params.setdefault(key, []).append(value)
        for key in run.metrics:
            metrics[key] = metrics.get(key, 0) + 1
    differ = [key for key, values in params.items() if _differ(values, len(runs))]
    by_use = sorted(metrics, key=lambda k: (-metrics[k], k))
    chosen = [f"metrics.{k}" for k in by_use[: SHOWN_COLUMNS // 2]]
    chosen += [f"params.{k}" for k in sorted(differ)[: SHOWN_COLUMNS - len(chosen)]]
    about = ["name", "state", "started", "duration"]
    if len({run.experiment for run in runs}) > 1:
        about.insert(1, "experiment")
    return (*about, *chosen), len(params) + len(metrics) - len(chosen)


def _differ(values: Sequence[Any], runs: int) -> bool:
    return len(values) < runs or not all(same(values[0], v) for v in values)


def runs(
    filter: str = "",  # noqa: A002 - the word that everyone uses
    *,
    experiments: str | Sequence[str] | None = None,
    deleted: bool | None = False,
) -> Runs:
    """Return the runs that match a filter: the beginning of every search.

    Args:
        filter: the search language: ``"metrics.auc > 0.9 and params.model = 'gbdt'"``; empty takes
            all.
        experiments: a name or several; None takes all experiments. ``"team/"`` takes a folder of
            them.
        deleted: True takes the runs in the trash, None takes those too.

    Raises:
        QueryError: the filter cannot be read.
        NotFoundError: no such experiment.
    """
    names = (experiments,) if isinstance(experiments, str) else experiments
    search = Search(experiments=None if names is None else tuple(names), deleted=deleted)
    if names is not None:
        _check_experiments(here(), tuple(names))
    return Runs(search).where(filter)


def _check_experiments(source: Source, names: Iterable[str]) -> None:
    from mendel.graph.errors import did_you_mean

    source.refresh()
    known = {e.name for e in source.catalog.experiments(deleted=None)}
    for name in names:
        need_text(name, "an experiment's name")
        if name not in known and not name.endswith("/"):
            raise NotFoundError(f"no experiment {name!r}{did_you_mean(name, known)}")
