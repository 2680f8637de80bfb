"""Which way a metric is better: as `define_metric` said it in the runs themselves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError
from mendel.graph.state import Goal
from mendel.graph.values import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mendel.catalog.contract import Catalog
    from mendel.graph.run import RunRecord

ASKED, MOST = 200, 5000  # runs that are asked for a goal at once, and in all

_WORDS = {
    "min": Goal.MINIMIZE,
    "minimise": Goal.MINIMIZE,
    "minimize": Goal.MINIMIZE,
    "lower": Goal.MINIMIZE,
    "max": Goal.MAXIMIZE,
    "maximise": Goal.MAXIMIZE,
    "maximize": Goal.MAXIMIZE,
    "higher": Goal.MAXIMIZE,
}


def read_goal(word: object) -> Goal:
    """Return the goal that a word means: minimize or min, maximize or max.

    Raises:
        InvalidError: it means none.
    """
    goal = _WORDS.get(word.lower()) if isinstance(word, str) else None
    if goal is None:
        raise InvalidError(
            f"{shorten(str(word))!r} is no goal; give 'minimize' (or 'min') or 'maximize' ('max')."
        )
    return goal


def told_goals(catalog: Catalog, ids: Sequence[str], field: str) -> dict[Goal, str]:
    """Return what runs said of a metric's goal, each with the name of a run that says so.

    Args:
        catalog: where the runs are.
        ids: runs that have the metric, newest first. The newest that say anything count: most often
            the first few, of 5,000 at most.
        field: the metric's full name; ``metrics.loss.min`` has the goal of ``loss`` if it has none
            of its own.
    """
    from mendel.graph.query_field import AGGREGATES

    metric = field.removeprefix("metrics.")
    head, _, tail = metric.rpartition(".")
    for first in range(0, min(len(ids), MOST), ASKED):
        asked = list(catalog.get_runs(ids[first : first + ASKED]).values())
        found = goals(asked, metric) or (goals(asked, head) if tail in AGGREGATES else {})
        if found:
            return found
    return {}


def goals(records: Iterable[RunRecord], metric: str) -> dict[Goal, str]:
    """Return the goals that runs gave a metric, each with the name of a run that says so.

    A definition of the very name counts before one with a pattern (``val/*``).
    """
    found: dict[Goal, str] = {}
    for record in records:
        goal = _goal(record, metric)
        if goal is not None:
            found.setdefault(goal, record.name)
    return found


def _goal(record: RunRecord, metric: str) -> Goal | None:
    exact = record.definitions.get(metric)
    if exact is not None and exact.goal is not None:
        return Goal(exact.goal)
    for name, definition in record.definitions.items():
        if definition.goal is not None and "*" in name and fnmatchcase(metric, name):
            return Goal(definition.goal)
    return None


def is_number(value: object) -> bool:
    """Tell whether a value can win: a number that is not NaN."""
    return isinstance(value, int | float) and value == value  # noqa: PLR0124 - NaN


def winners(values: Sequence[object], goal: Goal) -> tuple[int, ...]:
    """Return where the best values are; several when they tie, none when there is no number."""
    numbers = [(v, i) for i, v in enumerate(values) if isinstance(v, int | float) and is_number(v)]
    if not numbers:
        return ()
    pick = min if goal is Goal.MINIMIZE else max
    best = pick(v for v, _ in numbers)
    return tuple(i for v, i in numbers if v == best)
