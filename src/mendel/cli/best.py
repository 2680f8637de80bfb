"""``mendel best``: the best runs by a metric, within bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mendel.cli.columns import MACHINE, cell, choose, headings, unknown, values_of
from mendel.cli.command import command
from mendel.cli.shape import run_json
from mendel.cli.text import safe
from mendel.graph.errors import InvalidError, NotFoundError, did_you_mean
from mendel.graph.run import Goal
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.graph.run import RunRecord


@command(
    "best",
    examples=[
        ("mendel best auc --goal maximize", "the best run by its last auc"),
        ("mendel best loss.min -e flights -n 3", "three runs by the least loss they ever had"),
        ("mendel best auc -f 'metrics.seconds < 60'", "the best of those that were fast enough"),
        ("mendel best auc --json | jq -r '.runs[0].run.id'", "its id, for the next command"),
    ],
    shape='{"metric": full name, "goal": "minimize" or "maximize", '
    '"runs": [{"value", "run": RUN}]}, best first',
)
@click.argument("metric")
@click.option(
    "--goal", type=click.Choice([g.value for g in Goal]),
    help="Which way is better; else what define_metric said.",
)  # fmt: skip
@click.option(
    "-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only its runs."
)
@click.option("-f", "--filter", "text", default="", metavar="QUERY", help="Only runs that match.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=1,
    show_default=True,
    help="How many.",
)
def command_(
    door: Door,
    *,
    metric: str,
    goal: str | None,
    experiments: tuple[str, ...],
    text: str,
    limit: int,
) -> None:
    """Show the best runs by a metric.

    METRIC is a metric's last value, or name.min, name.max, name.mean of a series. Runs without it,
    or where it is NaN, are never the best.
    """
    from mendel.graph.query import OrderTerm, unparse_order
    from mendel.track.goal import is_number

    catalog = door.fresh().catalog
    query = RunQuery(filter=text, experiments=experiments or None)
    name = _field(metric)
    wanted = Goal(goal) if goal else _goal(door, name, query)
    order = unparse_order((OrderTerm(name, descending=wanted is Goal.MAXIMIZE),))
    page = catalog.find_runs(replace(query, order_by=(order,), limit=limit))
    values = values_of(catalog, page.ids, [name])[0]
    found = catalog.get_runs(page.ids)
    best = [(v, found[i]) for i, v in zip(page.ids, values, strict=True) if is_number(v)]
    if not best:
        raise NotFoundError(_nobody(door, query, name))
    if door.out.as_json:
        rows = [{"value": value, "run": run_json(run)} for value, run in best]
        door.out.data({"metric": name, "goal": str(wanted), "runs": rows})
        return
    _show(door, best, name)


def _field(metric: str) -> str:
    """Return the full name of a metric; quotes around odd characters may be there or not."""
    from mendel.graph.query import parse_field
    from mendel.graph.query_text import name_text

    name = metric if metric.startswith("metrics.") else f"metrics.{metric}"
    return parse_field(name if "`" in name or '"' in name else name_text(name))


def _goal(door: Door, name: str, query: RunQuery) -> Goal:
    from mendel.track.goal import is_number, told_goals

    key = name.removeprefix("metrics.")
    catalog = door.store().catalog
    ids = catalog.find_runs(replace(query, limit=None)).ids
    (column,) = catalog.columns(ids, [name])
    having = [an_id for an_id, v in zip(ids, column.values, strict=True) if is_number(v)]
    if not having:
        raise NotFoundError(_nobody(door, query, name))
    found = told_goals(catalog, having, name)
    if len(found) == 1:
        return next(iter(found))
    if found:
        told = " and ".join(f"{goal} (run {run!r})" for goal, run in found.items())
        raise InvalidError(
            f"the runs do not agree which way {safe(key)} is better: {told}; say --goal."
        )
    raise InvalidError(
        f"nobody said which way {safe(key)} is better: say --goal minimize or --goal maximize, "
        f"or define_metric({key!r}, goal=…) in the run."
    )


def _nobody(door: Door, query: RunQuery, name: str) -> str:
    catalog = door.store().catalog
    if not catalog.find_runs(replace(query, limit=1)).total:
        return f"no run matches{unknown(catalog, query)}"
    names = [k.name.removeprefix("metrics.") for k in catalog.keys(query, prefix="metrics.")]
    key = name.removeprefix("metrics.")
    known = [n for n in names if key.startswith(MACHINE) or not n.startswith(MACHINE)]
    return f"no run has a number for the metric {key!r}{did_you_mean(key, known)}"


def _show(door: Door, best: list[tuple[Any, RunRecord]], name: str) -> None:
    records = [run for _, run in best]
    others = [n for n in choose(records) if n not in {"name", name}]
    names = ["name", name, "id", *others]
    values = values_of(door.store().catalog, [r.id for r in records], names)
    rows = [
        [cell(n, v[i]) for n, v in zip(names, values, strict=True)] for i in range(len(records))
    ]
    door.out.table(headings(names, values), rows)
