"""``mendel runs``: the list of runs, filtered, sorted, grouped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mendel.cli.columns import (
    MACHINE,
    cell,
    choose,
    choose_metrics,
    csv_cell,
    exact,
    full_names,
    full_order,
    groups_of,
    headings,
    unknown,
    values_of,
)
from mendel.cli.command import command
from mendel.cli.shape import run_json
from mendel.cli.table import Cell, Heading
from mendel.cli.text import counted, number, safe, value_text
from mendel.track.words import MISSING, RunQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from mendel.cli.command import Door
    from mendel.track.words import Catalog, Group, RunPage

T = TypeVar("T")

FIRST = 200  # runs that the choice of columns looks at


@command(
    "runs",
    examples=[
        ("mendel runs", "the newest runs"),
        (
            "mendel runs -f \"metrics.auc > 0.9 and params.model = 'gbdt'\" -s -metrics.auc",
            "the good ones, best first",
        ),
        ("mendel runs -c name,lr,auc -n 5", "five runs, chosen columns"),
        ("mendel runs -g params.model", "means and deviations over the runs of each model"),
        (
            "mendel runs -f \"state = 'LOST'\" --all --ids | mendel tag - look=true",
            "ids for the next command",
        ),
    ],
    shape='{"runs": [RUN, …], "total": matching runs}; with --columns '
    '{"runs": [{"id", "columns": {name: value}}, …], "total"}; '
    'with --ids {"ids": [id, …], "total"}; '
    'with --group-by {"groups": [{"by": {name: value}, "runs": count, '
    '"stats": {metric: {"n", "mean", "deviation", "min", "max"}}}, …]}',
)
@click.argument("bare", required=False, metavar="[QUERY]")
@click.option("-f", "--filter", "text", default="", metavar="QUERY", help="Only runs that match.")
@click.option(
    "-e", "--experiment", "experiments", multiple=True, metavar="NAME",
    help="Only runs of this experiment; a name that ends in / is a folder. May be repeated.",
)  # fmt: skip
@click.option(
    "-s", "--sort", multiple=True, metavar="FIELD",
    help="Sort by a field, as metrics.auc, 'metrics.auc desc' or -metrics.auc. May be repeated.",
)  # fmt: skip
@click.option("-c", "--columns", metavar="A,B", help="Show these fields (lr means params.lr).")
@click.option("-g", "--group-by", metavar="A,B", help="One line a group, over all its members.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    show_default=True,
    help="At most so many.",
)
@click.option("--all", "every", is_flag=True, help="All runs that match, however many.")
@click.option("--deleted", is_flag=True, help="Runs in the trash.")
@click.option("--ids", is_flag=True, help="Only ids, one a line, for other commands.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, exact.")
def command_(
    door: Door,
    *,
    bare: str | None,
    text: str,
    experiments: tuple[str, ...],
    sort: tuple[str, ...],
    columns: str | None,
    group_by: str | None,
    limit: int,
    every: bool,
    deleted: bool,
    ids: bool,
    as_csv: bool,
) -> None:
    """List runs: filter, sort, group, choose columns.

    QUERY is what --filter takes; with both, runs must match both.

    Without --columns the list shows the metrics, and the params that are not the same in all runs
    listed. Group statistics are over all members, whatever --limit says: mean ± sample standard
    deviation.
    """
    catalog = door.fresh().catalog
    query = RunQuery(
        filter=f"({text}) and ({bare})" if text and bare else bare or text,
        experiments=experiments or None,
        deleted=deleted,
        limit=None if every else limit,
    )
    query = replace(query, order_by=full_order(catalog, query, sort))
    chosen = full_names(catalog, query, columns.split(",")) if columns else []
    if group_by:
        by = full_names(catalog, query, group_by.split(","))
        _groups(door, query, by, chosen, as_csv=as_csv)
        return
    page = catalog.find_runs(query)
    if ids:
        _ids(door, page)
    elif door.out.as_json and not chosen:
        found = catalog.get_runs(page.ids)
        door.out.data({"runs": [run_json(found[i]) for i in page.ids], "total": page.total})
    else:
        _table(door, query, page, chosen, as_csv=as_csv)


def _ids(door: Door, page: RunPage) -> None:
    if door.out.as_json:
        door.out.data({"ids": list(page.ids), "total": page.total})
        return
    for an_id in page.ids:
        door.out.line(an_id)


def _table(door: Door, query: RunQuery, page: RunPage, chosen: list[str], *, as_csv: bool) -> None:
    out = door.out
    chosen = chosen or _choice(door, page.ids[:FIRST])
    values = values_of(door.store().catalog, page.ids, chosen)
    if out.as_json:
        rows = _formed(chosen, values, exact)
        told = [
            {"id": an_id, "columns": dict(zip(chosen, row, strict=True))}
            for an_id, row in zip(page.ids, rows, strict=True)
        ]
        out.data({"runs": told, "total": page.total})
    elif as_csv:
        lines = zip(page.ids, _formed(chosen, values, csv_cell), strict=True)
        out.csv(["id", *chosen], [[an_id, *row] for an_id, row in lines])
    elif not page.ids:
        out.remark(_nothing(door, query))
    else:
        out.table(headings(chosen, values), _formed(chosen, values, cell))
        if page.total > len(page.ids):
            out.remark(f"{len(page.ids):,} of {counted(page.total, 'run')}  (--limit N or --all)")


def _choice(door: Door, ids: tuple[str, ...]) -> list[str]:
    found = door.store().catalog.get_runs(ids)
    return choose([found[an_id] for an_id in ids])


def _formed(
    names: list[str], columns: list[tuple[Any, ...]], form: Callable[[str, Any], T]
) -> list[tuple[T, ...]]:
    """Return rows of columns, each value in a form."""
    formed = ([form(name, v) for v in values] for name, values in zip(names, columns, strict=True))
    return list(zip(*formed, strict=True))


def _nothing(door: Door, query: RunQuery) -> str:
    store = door.store()
    total = store.catalog.find_runs(RunQuery(limit=1)).total
    if total:
        if why := unknown(store.catalog, query):
            return f"no run matches{why}"
        return f"no run matches; the store has {counted(total, 'run')}: {safe(str(store.root))}"
    return (
        f"no runs yet in {safe(str(store.root))}. A first one: mendel demo, or mendel.start_run()"
    )


def _groups(door: Door, query: RunQuery, by: list[str], fields: list[str], *, as_csv: bool) -> None:
    catalog, out = door.store().catalog, door.out
    fields = fields or _own_metrics(catalog, query)
    groups = groups_of(catalog, query, by, fields)
    fields = _with_numbers(groups, fields)
    if out.as_json:
        out.data({"groups": [_group_json(g, by, fields) for g in groups]})
    elif as_csv:
        numbers = [f"{f}.{s}" for f in fields for s in ("n", "mean", "deviation")]
        out.csv([*by, "runs", *numbers], [_group_csv(g, by, fields) for g in groups])
    elif not groups:
        out.remark(_nothing(door, query))
    else:
        rows = [_group_cells(g, by, fields) for g in groups]
        out.table(_group_headings(groups, by, fields), rows)


def _with_numbers(groups: list[Group], fields: list[str]) -> list[str]:
    return [f for f in fields if any(g.stats.get(f, (0,))[0] for g in groups)]


def _group_headings(groups: list[Group], by: list[str], fields: list[str]) -> list[Heading]:
    values = list(zip(*(g.values for g in groups), strict=True))
    heads = [*headings(by, values, stay=True), Heading("runs", numeric=True, stays=True)]
    return heads + [replace(h, numeric=True) for h in headings(fields, [()] * len(fields))]


def _own_metrics(catalog: Catalog, query: RunQuery) -> list[str]:
    """Return the metrics of the runs, those with a goal first, without those of the machine."""
    first = catalog.find_runs(replace(query, limit=FIRST)).ids
    chosen = [f"metrics.{key}" for key in choose_metrics([*catalog.get_runs(first).values()])]
    known = [k.name for k in catalog.keys(query, prefix="metrics.")]
    own = [n for n in known if not n.removeprefix("metrics.").startswith(MACHINE)]
    return list(dict.fromkeys([*chosen, *own]))


def _group_json(group: Group, by: list[str], fields: list[str]) -> dict[str, Any]:
    stats = {}
    for field in fields:
        n, mean, deviation, low, high = group.stats[field]
        stats[field] = {"n": n, "mean": mean, "deviation": deviation, "min": low, "max": high}
    values = {n: exact(n, v) for n, v in zip(by, group.values, strict=True)}
    return {"by": values, "runs": group.count, "stats": stats}


def _group_csv(group: Group, by: list[str], fields: list[str]) -> list[object]:
    row: list[object] = [csv_cell(n, v) for n, v in zip(by, group.values, strict=True)]
    row.append(group.count)
    for field in fields:
        n, mean, deviation, *_ = group.stats[field]
        row += [n, mean if n else "", deviation if n > 1 else ""]
    return row


def _group_cells(group: Group, by: list[str], fields: list[str]) -> list[Cell]:
    cells = [
        Cell("(none)", "dim") if v is MISSING else Cell(value_text(v))
        for _, v in zip(by, group.values, strict=True)
    ]
    cells.append(Cell(f"{group.count:,}"))
    return cells + [Cell(estimate(group.stats[f], group.count)) for f in fields]


def estimate(stats: tuple[int, float, float, float, float], members: int) -> str:
    """Return ``mean ± deviation``, and over how many where not over all members."""
    n, mean, deviation, *_ = stats
    if not n:
        return ""
    told = number(mean, 4) + (f" ± {number(deviation, 2)}" if n > 1 else "")
    return told if n == members else f"{told} (n={n})"
