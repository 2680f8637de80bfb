"""What a decision must look like, when it is refused, and what a row of them makes of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mendel.catalog import experiments
from mendel.catalog.facts import Stamp
from mendel.graph.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidError,
    NotFoundError,
    ProtectedError,
    StateError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mendel.catalog.contract import Decision
    from mendel.catalog.experiments import Experiments, Known
    from mendel.graph.lineage import Node
    from mendel.graph.values import Value

RUN = (
    "rename_run",
    "note_run",
    "tag_run",
    "pin_run",
    "archive_run",
    "delete_run",
    "restore_run",
    "purge_run",
)
EXPERIMENT = experiments.DECISIONS
NODE = ("update_node", "delete_node")

_REQUIRED: dict[str, dict[str, type]] = {
    "rename_run": {"name": str},
    "pin_run": {"pinned": bool},
    "archive_run": {"archived": bool},
    "rename_experiment": {"name": str},
}
_OPTIONAL: dict[str, dict[str, type]] = {
    "note_run": {"note": str},
    "tag_run": {"set": dict, "remove": list},
    "describe_experiment": {"description": str},
    "update_node": {
        "metadata": dict,
        "description": str,
        "display_name": str,
        "state": str,
        "uri": str,
        "etag": str,
    },
}
_WORDS = {str: "a text", bool: "true or false", dict: "a dict", list: "a list of texts"}


def check(decision: Decision) -> None:
    """Refuse a decision that cannot be understood.

    Raises:
        InvalidError: unknown ``what``, or a body that does not fit.
    """
    what, body = decision.what, decision.body
    if what not in {*RUN, *EXPERIMENT, *NODE}:
        near = did_you_mean(what, (*RUN, *EXPERIMENT, *NODE), most=20)
        raise InvalidError(f"no decision {what!r}{near}.")
    required, optional = _REQUIRED.get(what, {}), _OPTIONAL.get(what, {})
    for name in required:
        if body.get(name) is None:
            raise InvalidError(f"the decision {what!r} needs {name!r}.")
    for name, value in body.items():
        kind = required.get(name) or optional.get(name)
        if kind is None:
            near = did_you_mean(name, (*required, *optional))
            raise InvalidError(f"the decision {what!r} has no {name!r}{near}.")
        if value is not None and not _fits(value, kind):
            raise InvalidError(f"{name!r} of the decision {what!r} must be {_WORDS[kind]}.")
    if "name" in required and not body["name"]:
        raise InvalidError(f"the decision {what!r} needs a name that is not empty.")


def _fits(value: Value, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is kind


def understood(decision: Decision) -> bool:
    """Tell whether a decision can be understood."""
    try:
        check(decision)
    except InvalidError:
        return False
    return True


class Removed:
    """The type of `REMOVED`: what stands for a tag that was taken away."""

    def __repr__(self) -> str:
        return "REMOVED"


REMOVED = Removed()


@dataclass(slots=True)
class RunDecisions:
    """What people decided about one run, as far as they did."""

    name: str | None = None
    note: str | None = None
    tags: dict[str, Value | Removed] = field(default_factory=dict)
    pinned: bool = False
    archived: bool = False
    deleted: float | None = None
    updated: float | None = None

    def take(self, decision: Decision) -> None:
        """Take one more decision about this run."""
        body = decision.body
        self.updated = max(decision.time, self.updated or decision.time)
        match decision.what:
            case "rename_run":
                self.name = str(body["name"])
            case "note_run":
                note = body.get("note")
                self.note = None if note is None else str(note)
            case "tag_run":
                self._tag(body)
            case "pin_run":
                self.pinned = bool(body["pinned"])
            case "archive_run":
                self.archived = bool(body["archived"])
            case "delete_run":
                self.deleted = decision.time
            case "restore_run":
                self.deleted = None

    def _tag(self, body: dict[str, Value]) -> None:
        put, remove = body.get("set"), body.get("remove")
        if isinstance(put, dict):
            self.tags |= put
        if isinstance(remove, list):
            self.tags |= dict.fromkeys(map(str, remove), REMOVED)

    def over(self, tags: dict[str, Value]) -> dict[str, Value]:
        """Return the tags that a run has, given those that it logged."""
        merged: dict[str, Value | Removed] = {**tags, **self.tags}
        return {k: v for k, v in sorted(merged.items()) if not isinstance(v, Removed)}


def of_run(decisions: Iterable[Decision]) -> RunDecisions:
    """Return what decisions about one run come to; a purge forgets those before it."""
    out = RunDecisions()
    for decision in decisions:
        if decision.what == "purge_run":
            out = RunDecisions()
        else:
            out.take(decision)
    return out


def stamp(decision: Decision) -> Stamp:
    """Return the stamp of a decision among facts: after those of its very moment."""
    return Stamp(decision.time, "~" + decision.id, 0)


# -- when a decision is refused -------------------------------------------------------------------


class Scene(Protocol):
    """What a catalog knows of a decision's target."""

    def decided_run(self, run: str) -> RunDecisions | None:
        """Return what was decided about a run so far; None where there is no such run."""
        ...

    def experiment_of(self, run: str) -> Known | None:
        """Return the experiment of a run that is there."""
        ...

    def pinned_in(self, experiment: Known) -> list[str]:
        """Return the names of an experiment's pinned runs."""
        ...

    def experiments(self) -> Experiments:
        """Return who is who among experiments."""
        ...

    def node(self, node: str) -> Node | None:
        """Return a node that is no run, if it is there."""
        ...


def judge(decision: Decision, scene: Scene) -> None:
    """Refuse a decision that cannot be taken now.

    Raises:
        NotFoundError: the target is not there.
        AlreadyExistsError, ConflictError, ProtectedError, StateError: see `Decision`.
    """
    if decision.what in RUN:
        _judge_run(decision, scene)
    elif decision.what in EXPERIMENT:
        _judge_experiment(decision, scene)
    else:
        _judge_node(decision, scene)


def _judge_run(decision: Decision, scene: Scene) -> None:
    run = decision.target
    decided = scene.decided_run(run)
    if decided is None:
        raise NotFoundError(f"no run {run!r} to decide about; it may have been deleted for ever.")
    if decision.what in {"delete_run", "purge_run"} and decided.pinned:
        raise ProtectedError(f"the run {run} is pinned; unpin it before it is deleted.")
    if decision.what == "restore_run":
        experiment = scene.experiment_of(run)
        if experiment is not None and experiment.deleted is not None:
            raise StateError(
                f"the run {run} is in the trash with its experiment {experiment.name!r}; "
                f"restore that: mendel restore -e {experiment.name!r}."
            )


def _judge_experiment(decision: Decision, scene: Scene) -> None:
    who = scene.experiments()
    known = who.by_id.get(decision.target)
    if known is None:
        raise NotFoundError(f"no experiment with the id {decision.target!r}.")
    if decision.what == "restore_experiment":
        if known.deleted is not None and known.name in who.by_name:
            raise AlreadyExistsError(
                f"an experiment {known.name!r} was made since; rename that first."
            )
        return
    if known.deleted is not None:
        raise NotFoundError(
            f"the experiment {known.name!r} is in the trash; restore it first: "
            f"mendel restore -e {known.name!r}."
        )
    if decision.what == "rename_experiment":
        other = who.by_name.get(str(decision.body["name"]), known)
        if other is not known:
            raise AlreadyExistsError(
                f"there is an experiment {other.name!r} already; choose another name."
            )
    if decision.what == "delete_experiment":
        pinned = scene.pinned_in(known)
        if pinned:
            raise ProtectedError(
                f"the experiment {known.name!r} holds {len(pinned)} pinned run(s), among them "
                f"{pinned[0]!r}; unpin them before it is deleted."
            )


def _judge_node(decision: Decision, scene: Scene) -> None:
    node = scene.node(decision.target)
    if node is None:
        raise NotFoundError(f"no artifact, execution or context {decision.target!r}.")
    given = decision.body.get("etag")
    if given is not None and given != node.etag:
        raise ConflictError(
            f"{decision.target!r} was changed by somebody else since it was read; read it anew."
        )
