"""``mendel show``: one run, as a page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mendel.cli.columns import MACHINE, STATE_STYLES, started_text
from mendel.cli.command import command, run_argument
from mendel.cli.plot import plot, spark
from mendel.cli.shape import last_value, node_json, run_json_whole
from mendel.cli.table import Cell, Heading
from mendel.cli.text import counted, duration, number, safe, size, value_text
from mendel.graph.clock import now
from mendel.graph.errors import CorruptError, NotFoundError, did_you_mean
from mendel.graph.values import flatten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.cli.command import Door
    from mendel.graph.run import RunRecord

SPARK = 24  # characters of a sparkline
SPARK_BUCKETS = 48  # ranges of steps that a sparkline reads
PLOT_BUCKETS = 400
MOST_FILES = 20


@command(
    "show",
    examples=[
        ("mendel show brave-fox", "the newest run of that name"),
        ("mendel show 01JD4Q", "by the beginning of its id"),
        ("mendel show flights/gbdt-3 --metric valid.auc", "a curve, drawn as text"),
        ("mendel show brave-fox --console", "what it printed"),
        ("mendel show brave-fox --json | jq .params", "everything, for programs"),
    ],
    shape='RUN and {"series": {name: {"count", "nan_count", "first", "last", "min", "min_step", '
    '"max", "max_step", "mean", …}}, "definitions", "capture", "end": {"reason", "traceback", …}, '
    '"alerts", "rewinds", "damage", "files", "inputs", "outputs", "children"}; with --metric '
    '{"run", "series": [{"key", "total", "buckets", "steps", "times", "values"}]}; with --console '
    '{"run", "console": [{"time", "stream", "text"}]}',
)
@run_argument()
@click.option("-m", "--metric", "metrics", multiple=True, metavar="NAME", help="Draw this series.")
@click.option("--console", is_flag=True, help="Print what the run printed.")
@click.option("--all", "every", is_flag=True, help="All of it: system metrics, capture, all files.")
def command_(door: Door, run: str, metrics: tuple[str, ...], console: bool, every: bool) -> None:
    """Show one run: params, metrics, curves, artifacts, errors.

    RUN is an id, the beginning of one (4 characters or more), a name, or experiment/name. Of runs
    with one name the newest is shown.
    """
    (record,) = door.records([run])
    if metrics:
        _metrics(door, record, metrics)
    elif console:
        _console(door, record)
    elif door.out.as_json:
        door.out.data({**run_json_whole(record), **_around(door, record)})
    else:
        page(door, record, every=every)


def page(door: Door, record: RunRecord, *, every: bool = False) -> None:
    """Print all that people want to know of a run."""
    out = door.out
    out.line(
        Cell(safe(record.name), "bold"),
        "  ",
        Cell(str(record.state), STATE_STYLES.get(str(record.state), "")),
        Cell("  pinned" if record.pinned else "", "yellow"),
        Cell("  in the trash" if record.deleted else "", "red"),
    )
    out.fields(overview(record))
    _end(door, record)
    if record.note:
        out.title("Note")
        out.markdown(record.note)
    _drawer(door, "Params", dict(flatten(record.params)))
    _drawer(door, "Metrics", dict(flatten(record.metrics)), exact=False)
    _series(door, record, every=every)
    _drawer(door, "Tags", record.tags)
    _lineage(door, record, every=every)
    if every:
        _drawer(door, "Capture", dict(flatten(record.capture)))
    _trouble(door, record)


def overview(record: RunRecord) -> list[tuple[str, str | Cell]]:
    """Return what stands at the head of a run's page."""
    pairs: list[tuple[str, str | Cell]] = [
        ("id", record.id),
        ("experiment", safe(record.experiment)),
        ("started", started_text(record.started or record.created)),
    ]
    if record.duration is not None:
        pairs.append(("duration", duration(record.duration)))
    elif record.started is not None and not record.state.ended:
        pairs.append(("running for", duration(max(0.0, now() - record.started))))
    for name, text in (("user", record.user), ("host", record.host), ("group", record.group),
                       ("job type", record.job_type), ("parent", record.parent)):  # fmt: skip
        if text:
            pairs.append((name, safe(text)))
    return [*pairs, *captured(record)]


def captured(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield what the run captured of its command and its code, in words."""
    found = dict(flatten(record.capture))
    line = _ending(found, "command.line")
    if isinstance(line, list) and line:
        yield "command", safe(" ".join(str(word) for word in line))
    commit = _ending(found, "git.commit")
    if commit:
        branch = _ending(found, "git.branch")
        told = f"{commit!s:.12}" + (f" on {branch}" if branch else "")
        dirty = ", with uncommitted changes" if _ending(found, "git.dirty") else ""
        yield "git", safe(told + dirty)


def _ending(values: dict[str, Any], name: str) -> Any:
    return next((v for k, v in values.items() if k == name or k.endswith(f".{name}")), None)


def _end(door: Door, record: RunRecord) -> None:
    end = record.end
    reason = end.get("reason")
    if reason and str(record.state) != "COMPLETE":
        door.out.fields([("reason", Cell(safe(str(reason)), "red"))])
    if str(record.state) == "LOST":
        door.out.line(
            Cell("The process died without a word; all that it logged is here.", "yellow")
        )
    if end.get("traceback"):
        door.out.title("Traceback")
        for line in str(end["traceback"]).rstrip("\n").split("\n"):
            door.out.line(Cell(safe(line, keep_lines=True), "red"))


def _drawer(door: Door, title: str, values: dict[str, Any], *, exact: bool = True) -> None:
    if not values:
        return
    door.out.title(title)
    door.out.fields([(safe(k), value_text(v, exact=exact)) for k, v in sorted(values.items())])


def _series(door: Door, record: RunRecord, *, every: bool) -> None:
    keys = sorted(k for k in record.series if every or not k.startswith(MACHINE))
    hidden = len(record.series) - len(keys)
    if keys:
        door.out.title("Series")
        shapes = _shapes(door, record, keys)
        headings = [
            Heading("name", stays=True),
            *(Heading(t, numeric=True) for t in ("last", "min", "max", "steps", "points")),
            Heading("shape"),
        ]
        door.out.table(headings, [_series_row(record, key, shapes.get(key, "")) for key in keys])
    if hidden:
        door.out.remark(f"and {counted(hidden, 'system metric')} (--all)")


def _shapes(door: Door, record: RunRecord, keys: list[str]) -> dict[str, str]:
    """Return small curves by key; one that cannot be read hides no other."""
    catalog = door.store().catalog
    try:
        found = catalog.series([record.id], keys, buckets=SPARK_BUCKETS)
    except (CorruptError, NotFoundError) as error:
        if len(keys) == 1:
            door.out.remark(f"the curve of {safe(keys[0])} cannot be read: {safe(str(error))}")
            return {}
        return {k: v for key in keys for k, v in _shapes(door, record, [key]).items()}
    return {s.key: spark(s.values.tolist(), SPARK) for s in found}


def _series_row(record: RunRecord, key: str, shape: str) -> list[Cell]:
    s = record.series[key]
    last = last_value(s)
    points = f"{s.count:,}" + (f" ({s.nan_count:,} NaN)" if s.nan_count else "")
    return [
        Cell(safe(key)),
        Cell(number(last) if isinstance(last, bool | int | float) else value_text(last)),
        Cell("" if s.min is None else number(s.min)),
        Cell("" if s.max is None else number(s.max)),
        Cell(f"{s.first_step}–{s.last_step}"),
        Cell(points),
        Cell(shape, "cyan"),
    ]


def _around(door: Door, record: RunRecord) -> dict[str, Any]:
    from mendel.graph.lineage import EventKind
    from mendel.track.view import run_artifacts
    from mendel.track.words import RunQuery

    catalog = door.store().catalog
    nodes = {
        word: [node_json(n) for n in run_artifacts(catalog, [record.id], kind)[record.id]]
        for word, kind in (("inputs", EventKind.INPUT), ("outputs", EventKind.OUTPUT))
    }
    children = catalog.find_runs(RunQuery(filter=f"parent = '{record.id}'", limit=None)).ids
    return {
        "files": catalog.facts(record.id, ["file"]),
        "media": catalog.facts(record.id, ["media"]),
        **nodes,
        "children": list(children),
    }


def _lineage(door: Door, record: RunRecord, *, every: bool) -> None:
    around = _around(door, record)
    for title in ("inputs", "outputs"):
        if around[title]:
            door.out.title(title.capitalize())
            door.out.fields([_artifact(n) for n in around[title]])
    _files(door, record, [*around["files"], *around["media"]], every=every)
    if around["children"]:
        told = counted(len(around["children"]), "child run")
        door.out.remark(f"{told}: mendel runs -f \"parent = '{record.id}'\"")


def _artifact(node: dict[str, Any]) -> tuple[str, str]:
    name = safe(node["display_name"] or node["id"])
    return name, f"{node['schema_title']}  {safe(node['uri'] or '')}".rstrip()


def _files(door: Door, record: RunRecord, facts: list[dict[str, Any]], *, every: bool) -> None:
    files = {str(f["path"]): f.get("size") for f in facts if f.get("path")}
    if not files:
        return
    door.out.title("Files")
    shown = list(files.items()) if every else list(files.items())[:MOST_FILES]
    door.out.fields([(safe(p), size(s) if isinstance(s, int) else "") for p, s in shown])
    door.out.remark(f"in {safe(str(door.store().run_folder(record.id) / 'files'))}")
    if len(files) > len(shown):
        door.out.remark(f"and {counted(len(files) - len(shown), 'more file')} (--all)")


def _trouble(door: Door, record: RunRecord) -> None:
    out = door.out
    if record.alerts:
        out.title("Alerts")
        for alert in record.alerts:
            told = f"{alert.get('title', '')}: {alert.get('text') or ''}".rstrip(": ")
            out.line(Cell(f"{alert.get('level', 'INFO')}  ", "yellow"), safe(told))
    if record.lost_points:
        out.line()
        told = counted(record.lost_points, "point")
        out.line(Cell(f"{told} lost: the disk could not take them while the run ran.", "red"))
    if record.damage:
        out.title("Damage")
        for place in record.damage:
            out.line(Cell(safe(place), "red"))


def _metrics(door: Door, record: RunRecord, keys: tuple[str, ...]) -> None:
    out = door.out
    for key in keys:
        if key not in record.series:
            raise NotFoundError(
                f"run {record.name!r} has no series {key!r}{did_you_mean(key, record.series)}"
            )
    width = out.width or 100
    buckets = None if out.as_json else PLOT_BUCKETS
    found = door.store().catalog.series([record.id], keys, buckets=buckets)
    if out.as_json:
        out.data({"run": record.id, "series": [series_data(s) for s in found]})
        return
    for series in found:
        out.line(Cell(safe(series.key), "bold"), f"  {_told(record, series)}")
        for line in plot(series.steps.tolist(), series.values.tolist(), width=width):
            out.line(line)


def _told(record: RunRecord, series: Any) -> str:
    summary = record.series[series.key]
    told = f"last {number(summary.last)} at step {summary.last_step}"
    if summary.min is not None and summary.max is not None:
        told += f", min {number(summary.min)} at {summary.min_step}"
        told += f", max {number(summary.max)} at {summary.max_step}"
    return f"{told}, {counted(series.total, 'point')}"


def series_data(series: Any) -> dict[str, Any]:
    """Return a series for JSON."""
    return {
        "key": series.key,
        "total": series.total,
        "buckets": series.buckets,
        "steps": series.steps.tolist(),
        "times": series.times.tolist(),
        "values": series.values.tolist(),
    }


def _console(door: Door, record: RunRecord) -> None:
    from mendel.track.console_log import console_log

    lines = console_log(door.store(), record.id)
    if door.out.as_json:
        door.out.data({"run": record.id, "console": list(lines)})
        return
    empty = True
    for entry in lines:
        empty = False
        style = "red" if entry["stream"] == "stderr" else ""
        text = str(entry["text"])
        for line in text.removesuffix("\n").split("\n"):
            door.out.line(Cell(safe(line, keep_lines=True), style))
    if empty:
        door.out.remark("no console output was kept (capture of the console may be off).")
