"""Runs side by side, and only what differs: params, metrics, tags, code, environment, data."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, NotFoundError, did_you_mean
from mendel.graph.values import MISSING, dumps, to_json
from mendel.track import show
from mendel.track.columnar import Tabular, typed
from mendel.track.diff import FileChange, file_changes
from mendel.track.goal import is_number
from mendel.track.runs import Runs
from mendel.track.show import Picture
from mendel.track.sides import SECTIONS, Row, codes_of, rows_of
from mendel.track.view import RunView, here, run_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mendel.track.columnar import TypedColumn
    from mendel.track.diff import Code
    from mendel.track.view import Source

SIDE_BY_SIDE = 6  # more runs are summed up, a line a field
SHOWN_ROWS = 60


class Comparison(Tabular, Picture):
    """What differs between runs; `all` has also what does not.

    >>> comparison = mendel.compare("first", "second")                       # doctest: +SKIP
    >>> comparison["params.lr"].values                                       # doctest: +SKIP

    As a table (`to_pandas`, `to_list`, …) it has a row a field and a column a run.

    Attributes:
        runs: the runs, in the order given.
        baseline: the place of the run that deltas and diffs are told against.
    """

    __slots__ = ("_codes", "_everything", "_rows", "baseline", "runs")

    def __init__(
        self,
        runs: Sequence[RunView],
        rows: Sequence[Row],
        codes: Sequence[Code],
        baseline: int,
        *,
        everything: bool,
    ) -> None:
        self.runs = tuple(runs)
        self.baseline = baseline
        self._rows = tuple(rows)
        self._codes = tuple(codes)
        self._everything = everything

    @property
    def all(self) -> Comparison:
        """The same comparison with everything, also what does not differ."""
        return Comparison(self.runs, self._rows, self._codes, self.baseline, everything=True)

    @property
    def rows(self) -> list[Row]:
        """What is compared, section by section: only what differs, unless all was asked for."""
        return [r for r in self._rows if self._everything or (r.differs and not r.minor)]

    def section(self, name: str) -> list[Row]:
        """Return the rows of one section: run, params, metrics, tags, code, environment or data.

        Raises:
            InvalidError: there is no such section.
        """
        if name not in SECTIONS:
            raise InvalidError(f"no section {name!r}{did_you_mean(name, SECTIONS)}")
        return [row for row in self.rows if row.section == name]

    @property
    def params(self) -> list[Row]:
        """The params that differ."""
        return self.section("params")

    @property
    def metrics(self) -> list[Row]:
        """The metrics that differ, with deltas to the baseline; winners where a goal is known."""
        return self.section("metrics")

    @property
    def tags(self) -> list[Row]:
        """The tags that differ."""
        return self.section("tags")

    @property
    def environment(self) -> list[Row]:
        """What differs in Python, packages, variables, hardware and seeds."""
        return self.section("environment")

    @property
    def data(self) -> list[Row]:
        """The input artifacts that differ."""
        return self.section("data")

    @property
    def code(self) -> list[Row]:
        """What differs in commit, branch, script, arguments and in what is not committed."""
        return self.section("code")

    def code_changes(self, run: object = None) -> list[FileChange]:
        """Return the files whose uncommitted state differs between the baseline and a run.

        Args:
            run: one of the compared runs; None takes the first that is not the baseline.

        Raises:
            NotFoundError: the run is not in the comparison.
        """
        return file_changes(self._codes[self.baseline], self._codes[self._place(run)])

    def code_diff(self, run: object = None) -> str:
        """Return the difference in code to the baseline as one text; empty where there is none.

        Of two commits the text tells how to see the rest: ``git diff <one> <other>``.
        """
        text = "".join(change.diff for change in self.code_changes(run))
        before, after = self._codes[self.baseline], self._codes[self._place(run)]
        one, other = before.facts["git.commit"], after.facts["git.commit"]
        if one != other and isinstance(one, str) and isinstance(other, str):
            text = f"# between the commits: git diff {one} {other}\n{text}"
        return text

    def __getitem__(self, field: str) -> Row:
        """Return the row of a field, whether it differs or not: ``comparison["params.lr"]``."""
        rows = {row.field: row for row in self._rows}
        if field not in rows:
            raise NotFoundError(
                f"none of the {len(self.runs)} runs has {field!r}{did_you_mean(field, rows)}"
            )
        return rows[field]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return all that is shown as plain data, ready for `json.dumps`.

        Values are by the id of their run; a run without a value is not there. NaN, infinities and
        times are written as in the record (`mendel.graph.values`).
        """
        return {
            "runs": [_run_dict(run) for run in self.runs],
            "baseline": self.runs[self.baseline].id,
            "all": self._everything,
            **{name: [self._row_dict(row) for row in self.section(name)] for name in SECTIONS},
            "same": {
                name: sum(row.section == name and not row.differs for row in self._rows)
                for name in SECTIONS
            },
        }

    def _row_dict(self, row: Row) -> dict[str, Any]:
        ids = [run.id for run in self.runs]
        out: dict[str, Any] = {"name": row.name, "differs": row.differs}
        out["values"] = {
            i: to_json(v) for i, v in zip(ids, row.values, strict=True) if v is not MISSING
        }
        if row.deltas:
            out["goal"] = None if row.goal is None else str(row.goal)
            out["deltas"] = {
                i: to_json(d) for i, d in zip(ids, row.deltas, strict=True) if not math.isnan(d)
            }
            out["winners"] = [ids[i] for i in row.winners]
        return out

    def _place(self, run: object) -> int:
        if run is None:
            return 1 if self.baseline == 0 else 0
        for place, known in enumerate(self.runs):
            if run in {known.id, known.name} or getattr(run, "id", None) == known.id:
                return place
        names = [known.name for known in self.runs]
        raise NotFoundError(f"{run!r} is not compared here{did_you_mean(str(run), names)}")

    def _table(self) -> tuple[list[TypedColumn], int]:
        rows = self.rows
        columns = [typed("field", [row.field for row in rows])]
        for place, name in enumerate(_titles(self.runs)):
            columns.append(typed(name, [row.values[place] for row in rows]))
        return columns, len(rows)

    def _picture(self) -> tuple[Sequence[str], Sequence[Sequence[Any]], str]:
        rows = self.rows
        if len(self.runs) <= SIDE_BY_SIDE:
            head = ["", *_titles(self.runs)]
            head[self.baseline + 1] += " (baseline)"
            cells = [_side_by_side(row, self.baseline) for row in rows[:SHOWN_ROWS]]
        else:
            head = [f"{len(self.runs)} runs", "values", "from", "to", "best"]
            cells = [_summed_up(row, self.runs) for row in rows[:SHOWN_ROWS]]
        return head, cells, self._note(len(rows))

    def _note(self, count: int) -> str:
        if not count:
            return "nothing differs; .all shows what is compared"
        notes = {
            f"{count - SHOWN_ROWS:,} more rows: to_pandas() has all": count > SHOWN_ROWS,
            "* best": any(row.winners for row in self.rows),
            f"{len(self._rows) - count:,} more are the same or minor: .all": not self._everything,
            "code differs: code_diff()": any(r.name == "uncommitted" for r in self.code),
        }
        return "; ".join(note for note, holds in notes.items() if holds)


def _run_dict(run: RunView) -> dict[str, Any]:
    record = run.record
    return {
        "id": record.id,
        "name": record.name,
        "experiment": record.experiment,
        "state": str(record.state),
        "started": None if run.started is None else run.started.isoformat(),
        "duration": record.duration,
    }


def _titles(runs: Sequence[RunView]) -> list[str]:
    """Return names to head columns with; the end of the id tells runs of one name apart."""
    count = Counter(run.name for run in runs)
    names = [f"{r.name} ({r.id[-6:]})" if count[r.name] > 1 else r.name for r in runs]
    return [f"{name} " if name == "field" else name for name in names]


def _side_by_side(row: Row, baseline: int) -> list[str]:
    out = [row.field]
    for place, value in enumerate(row.values):
        text = _shown(row, value)
        if row.deltas and place != baseline and not math.isnan(row.deltas[place]):
            text += f" ({row.deltas[place]:+.4g})"
        out.append(f"{text} *" if place in row.winners and row.differs else text)
    return out


def _summed_up(row: Row, runs: Sequence[RunView]) -> list[Any]:
    """Return a line for many runs: how many different values, their range, and the best run."""
    present = [value for value in row.values if value is not MISSING]
    different = len({dumps(v) for v in present}) + (len(present) < len(row.values))
    low, high = _range(row, present)
    return [row.field, different, low, high, _winner(row, runs)]


def _shown(row: Row, value: Any) -> str:
    if row.field == "duration" and is_number(value):
        return show.span(value)
    return show.text(value)


def _range(row: Row, values: Sequence[Any]) -> tuple[str, str]:
    """Return the least and the greatest; of what is no number the commonest and the rarest."""
    if all(is_number(v) for v in values):
        return _shown(row, min(values)), _shown(row, max(values))
    ranked = Counter(v if isinstance(v, str) else dumps(v) for v in values).most_common()
    return show.text(ranked[0][0]), show.text(ranked[-1][0]) if len(ranked) > 1 else ""


def _winner(row: Row, runs: Sequence[RunView]) -> str:
    if not row.winners:
        return ""
    more = len(row.winners) - 1
    return runs[row.winners[0]].name + (f" and {more} more" if more else "")


def compare(*runs: object, baseline: object = None, all: bool = False) -> Comparison:  # noqa: A002
    """Return what differs between runs: two or hundreds, of one experiment or of several.

    >>> mendel.compare("first", "second")                                    # doctest: +SKIP
    >>> mendel.compare(mendel.runs("tags.sweep = 'lr'"), baseline="first")   # doctest: +SKIP

    Args:
        runs: runs, ids, names, ``experiment/name``, searches (`mendel.runs`) or lists of these.
        baseline: the run that deltas and diffs are told against; the first unless named.
        all: show also what does not differ.

    Raises:
        NotFoundError: no such run.
        InvalidError: fewer than two different runs.
    """
    return compare_in(here(), runs, baseline=baseline, everything=all)


def compare_in(
    source: Source, runs: Iterable[object], *, baseline: object = None, everything: bool = False
) -> Comparison:
    """Return what differs between runs of one store (see `compare`)."""
    source.refresh()
    ids = list(dict.fromkeys(_ids(source, runs)))
    start = 0
    if baseline is not None:
        base = run_id(source, baseline)
        if base not in ids:
            ids.insert(0, base)
        start = ids.index(base)
    if len(ids) < 2:
        raise InvalidError(
            f"{'one run' if ids else 'no run'} cannot be compared; give two or more different "
            'ones: compare("first", "second"), or a search.'
        )
    found = source.catalog.get_runs(ids)
    gone = [i for i in ids if i not in found]
    if gone:
        raise NotFoundError(f"no run has the id {gone[0]!r} in this store.")
    records = [found[i] for i in ids]
    codes = codes_of(source, records)
    rows = list(rows_of(source, records, codes, start))
    views = [RunView(source, record) for record in records]
    return Comparison(views, rows, codes, start, everything=everything)


def _ids(source: Source, runs: Iterable[object]) -> Iterator[str]:
    for run in runs:
        if isinstance(run, Runs):
            yield from run.ids()
        elif isinstance(run, list | tuple | set | frozenset):
            yield from _ids(source, run)
        else:
            yield run_id(source, run)
