"""The best run by a metric: one that really is, with its rivals, and what took no part told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError, NotFoundError, WrongTypeError, did_you_mean
from mendel.track import show
from mendel.track.goal import is_number, read_goal, told_goals, winners
from mendel.track.runs import Runs, runs
from mendel.track.session import current_experiment
from mendel.track.view import RunView, columns, field_name, need_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.graph.run import Goal
    from mendel.track.view import Source

ASKED = 200  # runs whose metrics are named where none has the one asked for


@dataclass(frozen=True, slots=True)
class Best:
    """The best run, and how it was found.

    Attributes:
        run: the run; of several with the same value the newest.
        metric: full name of the metric: ``metrics.loss``.
        value: the run's value, as logged.
        goal: which way is better.
        ties: other runs with exactly this value.
        considered: how many runs had a number.
        without: how many runs of the search have no such metric, or one that is no number.
        nan: how many runs have NaN, which never wins.
    """

    run: RunView
    metric: str
    value: float
    goal: Goal
    ties: tuple[RunView, ...] = ()
    considered: int = 0
    without: int = 0
    nan: int = 0

    def __repr__(self) -> str:
        text = (
            f"{self.run.name}: {self.metric} = {show.text(self.value)}, the "
            f"{'smallest' if self.goal == 'minimize' else 'largest'} of {self.considered:,}"
        )
        if self.without:
            text += f"; {self.without:,} without a number"
        if self.nan:
            text += f"; {self.nan:,} with NaN"
        if self.ties:
            names = ", ".join(t.name for t in self.ties[:5])
            more = f" and {len(self.ties) - 5} more" if len(self.ties) > 5 else ""
            text += f"; tied with {names}{more}"
        return f"<best run {text}>"


def best(
    runs: str | Runs | None = None,
    metric: str = "",
    goal: str | None = None,
    *,
    where: str = "",
) -> Best:
    """Return the best run of an experiment or a search.

    >>> mendel.best("churn", "auc", where="metrics.latency_ms < 20")         # doctest: +SKIP

    Args:
        runs: an experiment's name, or `mendel.runs(…)`; None takes the experiment that is set.
        metric: ``"auc"`` or ``"metrics.auc"``: the value that a search sees (what `log_metrics`
            set, else the last of the series). ``"loss.min"`` takes the smallest of the series.
        goal: minimize or maximize; None takes what `define_metric` said, in the newest of the runs
            that said it.
        where: a filter that the run must also pass.

    Raises:
        InvalidError: no goal is known, or runs contradict one another about it.
        NotFoundError: no run has a number for the metric.
        QueryError: the filter or the metric's name cannot be read.
    """
    asked = _asked(runs).where(where)
    field = _field(metric)
    source = asked.source
    ids = asked.ids()
    values = columns(source, ids, [field])[field]
    having = [i for i, v in enumerate(values) if is_number(v)]
    if not having:
        raise _no_number(source, ids, field)
    way = _goal(source, [ids[i] for i in having], field, goal)
    won = [ids[i] for i in winners(values, way)]
    records = source.catalog.get_runs(won)
    first, *others = [RunView(source, records[i]) for i in won if i in records]
    nan = sum(isinstance(v, float) and not is_number(v) for v in values)
    return Best(
        run=first,
        metric=field,
        value=values[ids.index(first.id)],
        goal=way,
        ties=tuple(others),
        considered=len(having),
        without=len(ids) - len(having) - nan,
        nan=nan,
    )


def _asked(asked: object) -> Runs:
    if isinstance(asked, Runs):
        return asked
    if asked is None:
        asked = current_experiment()
    if isinstance(asked, str):
        return runs(experiments=asked)
    raise WrongTypeError(
        f"{asked!r} is neither an experiment's name nor a search; give a name, or mendel.runs(…)."
    )


def _field(metric: str) -> str:
    if not need_text(metric, "a metric's name"):
        raise InvalidError('which metric? best("experiment", "auc").')
    return field_name(metric, "") if metric.startswith("metrics.") else f"metrics.{metric}"


def _goal(source: Source, ids: Sequence[str], field: str, told: str | None) -> Goal:
    if told is not None:
        return read_goal(told)
    metric = field.removeprefix("metrics.")
    found = told_goals(source.catalog, ids, field)
    if len(found) == 1:
        return next(iter(found))
    if found:
        said = " and ".join(f"{goal} (run {run!r})" for goal, run in found.items())
        raise InvalidError(
            f"the runs contradict one another about the goal of {metric!r}: {said}. "
            f"Say which: best(…, {metric!r}, 'minimize') or 'maximize'."
        )
    raise InvalidError(
        f"is a small {metric!r} better, or a large one? Say best(…, {metric!r}, 'minimize') or "
        f"'maximize'; or, so that everything knows it, in the training script: "
        f"run.define_metric({metric!r}, goal='minimize')."
    )


def _no_number(source: Source, ids: Sequence[str], field: str) -> NotFoundError:
    if not ids:
        return NotFoundError("no run matches the search, so none is the best.")
    known: set[str] = set()
    for record in source.catalog.get_runs(ids[:ASKED]).values():
        known |= RunView(source, record).metrics.keys()
    name = field.removeprefix("metrics.")
    near = did_you_mean(name, known - {name})
    return NotFoundError(f"none of {len(ids):,} runs has a number for {field!r}{near}")
