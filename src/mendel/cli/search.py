"""``mendel search``: words, wherever they stand: names, notes, tags, params, people, machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mendel.cli.columns import cell, headings, values_of
from mendel.cli.command import command
from mendel.cli.shape import experiment_json, run_json
from mendel.cli.table import Cell
from mendel.cli.text import counted, safe, value_text
from mendel.graph.errors import InvalidError
from mendel.graph.values import flatten
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.graph.run import ExperimentRecord, RunRecord
    from mendel.track.words import Catalog

PLAIN = ("experiment", "user", "host", "`group`", "job_type")
ATTRIBUTES = ("name", "experiment", "note", "user", "host", "group", "job_type")
MOST_KEYS = 200  # params with text that are looked through


@command(
    "search",
    examples=[
        ("mendel search gbdt", "runs and experiments that have the word anywhere"),
        ("mendel search 'overfits' -f 'metrics.auc > 0.8'", "words and conditions"),
        ("mendel search alice gpu --json", "all the words must be there"),
    ],
    shape='{"runs": [{"run": RUN, "where": [field, …]}], "total", '
    '"experiments": [{"id", "name", …}]}',
)
@click.argument("words", nargs=-1, required=True, metavar="TEXT…")
@click.option("-f", "--filter", "text", default="", metavar="QUERY", help="Only runs that match.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    show_default=True,
    help="At most so many.",
)
def command_(door: Door, words: tuple[str, ...], text: str, limit: int) -> None:
    """Find runs and experiments by words.

    A word is looked for, whatever its case, in names, notes, tags, params with text, users, hosts
    and groups; a run has to have all of them. The search language is for exact questions: --filter.
    """
    catalog = door.fresh().catalog
    words = tuple(w for word in words for w in word.split())
    if not words:
        raise InvalidError("no word to look for: give one or more.")
    page = catalog.find_runs(RunQuery(filter=_question(catalog, words, text), limit=limit))
    found = catalog.get_runs(page.ids)
    runs = [(found[an_id], places(found[an_id], words)) for an_id in page.ids]
    experiments = [e for e in catalog.experiments() if _has(e, words)]
    if door.out.as_json:
        door.out.data(
            {
                "runs": [
                    {"run": run_json(run), "where": [name for name, _ in at]} for run, at in runs
                ],
                "total": page.total,
                "experiments": [experiment_json(e) for e in experiments],
            }
        )
        return
    _show(door, runs, experiments, page.total)


def _question(catalog: Catalog, words: tuple[str, ...], text: str) -> str:
    fields = [*PLAIN, *_text_params(catalog)]
    parts = [f"({text})"] if text else []
    return " and ".join([*parts, *(_anywhere(fields, word) for word in words)])


def _has(experiment: ExperimentRecord, words: tuple[str, ...]) -> bool:
    told = f"{experiment.name}\n{experiment.description or ''}".lower()
    return all(word.lower() in told for word in words)


def _text_params(catalog: Catalog) -> list[str]:
    from mendel.graph.query_text import name_text

    keys = catalog.keys(prefix="params.", limit=5000)
    texts = [k.name for k in keys if any(t.startswith(("str", "text", "list")) for t in k.types)]
    return [name_text(name) for name in texts[:MOST_KEYS]]


def _anywhere(fields: list[str], word: str) -> str:
    from mendel.graph.query_lex import quote

    pattern = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    others = [f"{field} ilike {quote(f'%{pattern}%')}" for field in fields]
    return f"({' or '.join([quote(word), *others])})"  # a word by itself: name, note and tags


def places(record: RunRecord, words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the fields of a run where words stand, and what stands there."""
    texts: dict[str, Any] = {name: getattr(record, name) for name in ATTRIBUTES}
    texts |= {f"tags.{k}": v for k, v in flatten(record.tags)}
    texts |= {f"params.{k}": v for k, v in flatten(record.params)}
    found = {}
    for name, value in texts.items():
        shown = (
            value
            if isinstance(value, str)
            else value_text(value)
            if isinstance(value, list)
            else ""
        )
        if any(word.lower() in shown.lower() for word in words):
            found[name] = shown
    return list(found.items())


def _show(
    door: Door,
    runs: list[tuple[RunRecord, list[tuple[str, str]]]],
    experiments: list[ExperimentRecord],
    total: int,
) -> None:
    out = door.out
    for experiment in experiments:
        told = counted(experiment.run_count, "run")
        out.line(Cell("experiment ", "dim"), Cell(safe(experiment.name), "bold"), f"  {told}")
    if runs:
        names = ["name", "experiment", "state", "started"]
        values = values_of(door.store().catalog, [r.id for r, _ in runs], names)
        rows = [
            [*(cell(n, v[i]) for n, v in zip(names, values, strict=True)), Cell(_where(at), "dim")]
            for i, (_, at) in enumerate(runs)
        ]
        from mendel.cli.table import Heading

        out.table([*headings(names, values), Heading("where")], rows)
    if total > len(runs):
        out.remark(f"{len(runs):,} of {counted(total, 'run')}  (--limit N)")
    if not runs and not experiments:
        out.remark("nothing found")


def _where(at: list[tuple[str, str]]) -> str:
    return "  ".join(f"{safe(name)}: {safe(text)}" for name, text in at)
