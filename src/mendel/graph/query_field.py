"""The fields that a search knows: attributes with their kinds and names, and drawers of keys."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mendel.graph.state import RunState


class FieldKind(enum.StrEnum):
    """What values an attribute has."""

    TEXT = "text"
    STATE = "state"
    TIME = "time"  # seconds since 1970
    SECONDS = "seconds"  # a duration
    NUMBER = "number"
    BOOL = "true or false"
    TEXTS = "texts"  # a list of texts, compared by any of them


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a run, as a search names it."""

    name: str
    kind: FieldKind
    meaning: str
    aliases: tuple[str, ...] = ()


ATTRIBUTES: dict[str, Attribute] = {
    attribute.name: attribute
    for attribute in (
        Attribute("id", FieldKind.TEXT, "the run's id", ("run_id",)),
        Attribute("name", FieldKind.TEXT, "the run's name", ("run_name", "display_name")),
        Attribute("state", FieldKind.STATE, "where it stands", ("status",)),
        Attribute("experiment", FieldKind.TEXT, "the experiment's name", ("experiment_name",)),
        Attribute("experiment_id", FieldKind.TEXT, "the experiment's id"),
        Attribute("created", FieldKind.TIME, "when it was made", ("create_time", "created_at")),
        Attribute("started", FieldKind.TIME, "when it began to run", ("start_time", "started_at")),
        Attribute("ended", FieldKind.TIME, "when it ended", ("end_time", "ended_at")),
        Attribute("updated", FieldKind.TIME, "when it last changed", ("update_time", "updated_at")),
        Attribute("duration", FieldKind.SECONDS, "seconds from start to end; none while it runs"),
        Attribute("user", FieldKind.TEXT, "who ran it", ("user_id",)),
        Attribute("host", FieldKind.TEXT, "the machine it ran on", ("hostname",)),
        Attribute("parent", FieldKind.TEXT, "the id of the parent run", ("parent_id",)),
        Attribute("group", FieldKind.TEXT, "the group it belongs to"),
        Attribute("job_type", FieldKind.TEXT, "its part in the group"),
        Attribute("note", FieldKind.TEXT, "what people wrote about it", ("description",)),
        Attribute("pinned", FieldKind.BOOL, "whether it is protected"),
        Attribute("archived", FieldKind.BOOL, "whether it is put aside"),
        Attribute("deleted", FieldKind.TIME, "when it was put in the trash"),
        Attribute("lost_points", FieldKind.NUMBER, "points that the disk could not take"),
    )
}

# What a search may write -> the attribute.
NAMES: dict[str, str] = {
    name: attribute.name
    for attribute in ATTRIBUTES.values()
    for name in (attribute.name, *attribute.aliases)
}

DRAWERS = {
    "params": "params", "param": "params", "parameters": "params", "parameter": "params",
    "metrics": "metrics", "metric": "metrics",
    "tags": "tags", "tag": "tags",
    "capture": "capture",
}  # fmt: skip
ATTRIBUTE_PREFIXES = frozenset({"attributes", "attribute", "attrs", "attr", "run"})

# What runs capture by themselves: these roots need no ``capture.`` before them.
CAPTURED = (
    "command", "environment", "git", "hardware", "script", "seeds", "source",
)  # fmt: skip

# Lists of texts that the catalog supplies for lineage predicates: names, ids and uris.
LINEAGE = {
    "input": ("artifact.inputs",),
    "output": ("artifact.outputs",),
    "artifact": ("artifact.inputs", "artifact.outputs"),
    "dataset": ("artifact.datasets",),
    "model": ("artifact.models",),
}
LINEAGE_FIELDS = ("artifact.inputs", "artifact.outputs", "artifact.datasets", "artifact.models")
TEXT_FIELD = "text"  # a list of texts: the name, the note, and each tag's name and value

AGGREGATES = ("min", "max", "first", "last", "mean", "count", "min_step", "max_step")

# States under the names that other tools give them.
STATES: dict[str, str] = {state.value: state.value for state in RunState} | {
    "FINISHED": "COMPLETE", "COMPLETED": "COMPLETE", "SUCCEEDED": "COMPLETE", "SUCCESS": "COMPLETE",
    "DONE": "COMPLETE", "ERROR": "FAILED", "KILLED": "CANCELLED", "CANCELED": "CANCELLED",
    "ABORTED": "CANCELLED", "CRASHED": "LOST", "SCHEDULED": "NEW", "PENDING": "NEW",
}  # fmt: skip


def kind_of(field: str) -> FieldKind | None:
    """Return what values a field has; None where that is up to the run (params, metrics, …)."""
    attribute = ATTRIBUTES.get(field)
    if attribute is not None:
        return attribute.kind
    return FieldKind.TEXTS if field in LINEAGE_FIELDS or field == TEXT_FIELD else None
