"""What a fact must look like to be understood: one table, so that every catalog judges alike.

A fact that does not fit is noted in its run's damage and otherwise left out; a field that is None
counts as absent; fields and kinds that are not in the table are nobody's business here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mendel.graph.lineage import EventKind
from mendel.graph.run import Goal, RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mendel.graph.digest import Fact
    from mendel.graph.values import Value

KEPT = ("classification", "media", "file", "alert")  # kept whole, for `Catalog.facts`
NODES = ("artifact", "execution", "context")
GRAPH = (*NODES, "event", "member")
RUN_TEXTS = ("parent", "group", "job_type", "user", "host")
NODE_TEXTS = ("schema_title", "schema_version", "display_name", "uri", "state", "description")


class Stamp(NamedTuple):
    """When a fact was written, and by whom: of two facts the one with the larger stamp holds."""

    time: float
    writer: str
    ordinal: int


def _is_text(value: Value) -> bool:
    return isinstance(value, str)


def _is_id(value: Value) -> bool:
    """Tell whether a value can name a thing: a text that UTF-8 can write."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)


def _is_whole(value: Value) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_dict(value: Value) -> bool:
    return isinstance(value, dict)


def _are_texts(value: Value) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _are_ids(value: Value) -> bool:
    return isinstance(value, list) and all(map(_is_id, value))


def _is_experiment(value: Value) -> bool:
    return (
        isinstance(value, dict) and _is_id(value.get("id")) and isinstance(value.get("name"), str)
    )


def _is_before(value: Value) -> bool:
    return isinstance(value, dict) and all(_is_whole(item) for item in value.values())


class Field(NamedTuple):
    """One field of a kind of fact: how to tell that it fits, and in which words it does not."""

    fits: Callable[[Value], bool]
    what: str
    required: bool = False


_TEXT = Field(_is_text, "a text")
_NAME = _TEXT._replace(required=True)
_ID = Field(_is_id, "a text of whole characters", required=True)
_SET = Field(_is_dict, "a dict", required=True)
_DICT = Field(_is_dict, "a dict")
_TIME = Field(_is_number, "a time in seconds", required=True)
_TEXTS = Field(_are_texts, "a list of texts")
_IDS = Field(_are_ids, "a list of texts of whole characters")
_STEP = Field(_is_whole, "a whole number below 2**63", required=True)
_STATE = Field(lambda v: v in set(RunState), "one of " + ", ".join(RunState), required=True)
_NODE = {"id": _ID, "metadata": _DICT} | dict.fromkeys(NODE_TEXTS, _TEXT)

FIELDS: dict[str, dict[str, Field]] = {
    "run": {
        "name": _NAME,
        "experiment": Field(_is_experiment, "a dict with the texts id and name", required=True),
        "created": _TIME,
    }
    | dict.fromkeys(RUN_TEXTS, _TEXT),
    "experiment": {"id": _ID, "name": _NAME, "created": _TIME, "description": _TEXT},
    "state": {"state": _STATE},
    "params": {"set": _SET},
    "metrics": {"set": _SET},
    "tags": {"set": _DICT, "remove": _TEXTS},
    "capture": {"set": _SET},
    "define_metric": {
        "name": _NAME,
        "goal": Field(lambda v: v in set(Goal), "one of " + ", ".join(Goal)),
        "step_metric": _TEXT,
    },
    "values": {"step": _STEP, "set": _SET},
    "artifact": _NODE,
    "execution": _NODE,
    "context": _NODE | {"parents": _IDS},
    "event": {
        "execution": _ID,
        "artifact": _ID,
        "kind": Field(lambda v: v in set(EventKind), "INPUT or OUTPUT", required=True),
        "labels": _DICT,
    },
    "member": {"context": _ID, "nodes": _IDS, "children": _IDS},
    "rewind": {
        "step": _STEP,
        "before": Field(_is_before, "a dict of whole numbers", required=True),
    },
    "lost_points": {"count": _STEP},
}


def problem(writer: str, fact: Fact) -> str | None:
    """Return what is wrong with a fact, in one line that names its place; None where it fits."""
    place = f"writer {writer}, record {fact.ordinal}: the {fact.kind!r} fact"
    if not math.isfinite(fact.time):
        return f"{place} has no time ({fact.time!r})"
    for name, field in FIELDS.get(fact.kind, {}).items():
        value = fact.body.get(name)
        if value is None:
            if field.required:
                return f"{place} has no {name!r}"
        elif not _fits(field, value):
            return f"{place} has {name!r} that is not {field.what}"
    return None


def _fits(field: Field, value: Value) -> bool:
    try:
        return field.fits(value)
    except TypeError:  # an unhashable value where one of a set of texts is wanted
        return False
