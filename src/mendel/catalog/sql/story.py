"""What one run's facts come to, as `document` keeps it, and what people decided, in `decided`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.catalog.decisions import REMOVED, Removed, RunDecisions
from mendel.catalog.facts import RUN_TEXTS, Stamp
from mendel.catalog.sql.telling import Telling, drawer_from_json
from mendel.graph import clock
from mendel.graph.run import Goal, MetricDefinition, Rewind, RunState
from mendel.graph.values import Value, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mendel.graph.digest import Fact

DRAWERS = ("params", "metrics", "tags")  # those whose leaves are cells


@dataclass(slots=True)
class Story:
    """What a run said, in any order; ``said`` has drawers of its own for all that facts set."""

    id: str
    said: Telling = field(default_factory=Telling)
    created: float | None = None
    started: float | None = None
    rewinds: list[tuple[Stamp, Rewind]] = field(default_factory=list)
    lost_points: int = 0
    damage: set[str] = field(default_factory=set)
    observed: tuple[Stamp | None, RunState] | None = None
    last_word: Stamp | None = None  # when it said its state

    # -- taking in --

    def take(self, stamp: Stamp, fact: Fact) -> str | None:
        """Take in a fact; return the name of the drawer of cells that it may have changed."""
        body: dict[str, Any] = fact.body
        match fact.kind:
            case "params" | "metrics":
                self.said.put(fact.kind, body["set"], stamp)
                return fact.kind
            case "tags":
                removed: dict[str, Value | Removed] = dict.fromkeys(
                    body.get("remove") or (), REMOVED
                )
                self.said.put("tags", {**(body.get("set") or {}), **removed}, stamp)
                return "tags"
            case "state":
                self._state(stamp, body)
            case "run":
                self._run(stamp, body)
            case "define_metric":
                self._define(stamp, body)
            case "rewind":
                self.rewinds.append((stamp, Rewind(body["step"], dict(body["before"]))))
                self.rewinds.sort(key=lambda pair: pair[0])
            case "lost_points":
                self.lost_points += body["count"]
        return None

    def _run(self, stamp: Stamp, body: dict[str, Any]) -> None:
        parts = {k: body[k] for k in RUN_TEXTS if body.get(k) is not None}
        parts |= {"name": body["name"], "experiment": body["experiment"]["id"]}
        self.said.put("run", parts, stamp)
        created = body["created"]
        self.created = created if self.created is None else min(created, self.created)

    def _state(self, stamp: Stamp, body: dict[str, Any]) -> None:
        if self.said.put("state", {"": {k: v for k, v in body.items() if v is not None}}, stamp):
            self.last_word = stamp
        if body["state"] == RunState.RUNNING:
            self.started = stamp.time if self.started is None else min(stamp.time, self.started)

    def _define(self, stamp: Stamp, body: dict[str, Any]) -> None:
        self.said.put("definitions", {body["name"]: True}, stamp)
        for part in ("goal", "step_metric"):
            if body.get(part) is not None:
                self.said.put(part, {body["name"]: body[part]}, stamp)

    # -- telling --

    def text(self, name: str) -> str | None:
        """Return one of the texts of its ``run`` facts."""
        value = self.said.drawers.get("run", {}).get(name)
        return None if value is None else str(value)

    @property
    def born(self) -> float:
        """When it was created."""
        if self.created is not None:
            return self.created
        return clock.id_time(self.id) if clock.is_id(self.id) else 0.0

    @property
    def end(self) -> dict[str, Value]:
        """What it said of its state beside the state."""
        body = self.said.drawers.get("state", {}).get("")
        return {k: v for k, v in sorted(body.items()) if k != "state"} if body else {}  # type: ignore[union-attr]

    @property
    def own_state(self) -> RunState:
        """The state by its own word."""
        body: Any = self.said.drawers.get("state", {}).get("")
        return RunState(body["state"]) if body else RunState.NEW

    @property
    def state(self) -> RunState:
        """The state, unless it was found dead since."""
        if self.observed is not None and self.observed[0] == self.last_word:
            return self.observed[1]
        return self.own_state

    @property
    def ended(self) -> float | None:
        """When it ended by its own word."""
        word = self.last_word
        return word.time if word is not None and self.state.ended else None

    def definitions(self) -> dict[str, MetricDefinition]:
        """Return what was defined of metrics."""
        goals, steps = self.said.values("goal"), self.said.values("step_metric")
        return {
            name: MetricDefinition(
                name,
                Goal(str(goals[name])) if name in goals else None,
                str(steps[name]) if name in steps else None,
            )
            for name in self.said.values("definitions")
        }

    # -- as JSON --

    def dump(self) -> tuple[str, str]:
        """Return the columns of `document`."""
        drawers, marks = self.said.dump()
        told: dict[str, Any] = {"said": drawers, "created": self.created, "started": self.started}
        if self.rewinds:
            told["rewinds"] = [[*stamp, r.step, r.before] for stamp, r in self.rewinds]
        if self.lost_points:
            told["lost_points"] = self.lost_points
        if self.damage:
            told["damage"] = [to_json(text) for text in sorted(self.damage)]
        if self.last_word is not None:
            told["word"] = self.last_word
        if self.observed is not None:
            told["observed"] = [self.observed[0], self.observed[1]]
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")), marks

    @classmethod
    def load(cls, run: str, told_text: str, marks: str | None) -> Story:
        """Return the story of a row; without marks it can be told, but not added to."""
        told = json.loads(told_text)
        said = told["said"]
        said = Telling.shown(said) if marks is None else Telling.load(said, marks)
        observed, word = told.get("observed"), told.get("word")
        return cls(
            run,
            said,
            told["created"],
            told["started"],
            [(Stamp(*r[:3]), Rewind(r[3], r[4])) for r in told.get("rewinds", ())],
            told.get("lost_points", 0),
            {str(from_json(text)) for text in told.get("damage", ())},
            None
            if observed is None
            else (observed[0] and Stamp(*observed[0]), RunState(observed[1])),
            word and Stamp(*word),
        )


def dump_decided(decided: RunDecisions) -> str:
    """Return the column of `decided`."""
    tags = {k: v for k, v in decided.tags.items() if not isinstance(v, Removed)}
    removed = [k for k, v in decided.tags.items() if isinstance(v, Removed)]
    body = {
        "name": decided.name,
        "note": decided.note,
        "tags": {k: to_json(v) for k, v in tags.items()},
        "removed": removed,
        "pinned": decided.pinned,
        "archived": decided.archived,
        "deleted": decided.deleted,
        "updated": decided.updated,
    }
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))


def load_decided(text: str) -> RunDecisions:
    """Return what `dump_decided` wrote."""
    body = json.loads(text)
    removed = dict.fromkeys(body.pop("removed"), REMOVED)
    body["tags"] = {**drawer_from_json(body["tags"]), **removed}
    return RunDecisions(**body)


def leaves(tree: Mapping[str, Value]) -> dict[str, Value]:
    """Return the leaves of nested dicts by dotted name, as `query_run.find` finds them.

    Of several with one name the one reached by fewer steps is taken, of equals the later one.
    """
    nested = any(isinstance(value, dict) and value for value in tree.values())
    if not nested:
        return dict(tree)
    best: dict[str, tuple[int, Value]] = {}
    for steps, name, value in _walk(tree, "", 1):
        if name not in best or steps <= best[name][0]:
            best[name] = steps, value
    return {name: value for name, (_, value) in best.items()}


def _walk(tree: Mapping[str, Value], prefix: str, steps: int) -> Iterator[tuple[int, str, Value]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _walk(value, f"{prefix}{key}.", steps + 1)
        else:
            yield steps, prefix + key, value
