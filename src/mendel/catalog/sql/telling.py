"""What facts come to, kept so that more can be added in any order: the newest holds, part by part.

Drawers (params, tags, the texts of a run …) hold parts; each part remembers the `Stamp` of the fact
that set it. A fact that comes late changes only what nobody newer set. As JSON, the parts are one
document, and the stamps another beside it: a number for each part into a list of stamps, or one
number for a whole drawer, as most are set by one fact.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mendel.catalog.decisions import REMOVED, Removed
from mendel.catalog.facts import Stamp
from mendel.graph.values import Value, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

Parts = dict[str, "Value | Removed"]


class Telling:
    """Drawers of parts, with who set them."""

    def __init__(self) -> None:
        self.drawers: dict[str, Parts] = {}
        self.stamps: dict[str, dict[str, Stamp]] = {}

    def put(self, drawer: str, parts: Mapping[str, Value | Removed], stamp: Stamp) -> bool:
        """Set parts, where nobody newer did; tell whether any was set."""
        if not parts:
            return False
        held, stamps = self.drawers.setdefault(drawer, {}), self.stamps.setdefault(drawer, {})
        changed = False
        for name, value in parts.items():
            known = stamps.get(name)
            if known is None or stamp >= known:
                held[name], stamps[name] = value, stamp
                changed = True
        return changed

    def values(self, drawer: str) -> dict[str, Value]:
        """Return the parts of a drawer that were not taken away, by name."""
        held = self.drawers.get(drawer, {})
        return {k: v for k, v in sorted(held.items()) if not isinstance(v, Removed)}

    def stamp(self, drawer: str, name: str) -> Stamp | None:
        """Return who set a part."""
        return self.stamps.get(drawer, {}).get(name)

    def forget_before(self, stamp: Stamp) -> None:
        """Forget all parts that were set before a moment."""
        for drawer, stamps in self.stamps.items():
            for name in [name for name, own in stamps.items() if own < stamp]:
                del stamps[name]
                del self.drawers[drawer][name]

    # -- as JSON --

    @classmethod
    def shown(cls, told: Mapping[str, Any]) -> Telling:
        """Return parts that can be told, but not added to."""
        out = cls()
        out.drawers = {drawer: {**drawer_from_json(parts)} for drawer, parts in told.items()}
        return out

    def dump(self) -> tuple[dict[str, Any], str]:
        """Return the parts as what stands for them in JSON, and the stamps as text."""
        told: dict[str, Any] = {}
        numbers: dict[Stamp, int] = {}
        marks: dict[str, Any] = {}
        for drawer, parts in self.drawers.items():
            stamps = self.stamps[drawer]
            kept = {k: v for k, v in sorted(parts.items()) if not isinstance(v, Removed)}
            if kept:
                told[drawer] = _drawer_to_json(kept)
                row = [numbers.setdefault(stamps[name], len(numbers)) for name in kept]
                marks[drawer] = row[0] if len(set(row)) == 1 else row
            removed = [k for k, v in parts.items() if isinstance(v, Removed)]
            if removed:
                gone = {k: numbers.setdefault(stamps[k], len(numbers)) for k in removed}
                marks.setdefault("-", {})[drawer] = gone
        return told, json.dumps([list(numbers), marks], separators=(",", ":"))

    @classmethod
    def load(cls, told: Mapping[str, Any], marks: str) -> Telling:
        """Return what `dump` wrote."""
        out = cls()
        rows, numbers = json.loads(marks)
        stamps = [Stamp(*row) for row in rows]
        gone = numbers.pop("-", {})
        for drawer, row in numbers.items():
            parts = drawer_from_json(told[drawer])
            out.drawers[drawer] = dict(parts)
            each = [row] * len(parts) if isinstance(row, int) else row
            out.stamps[drawer] = {k: stamps[number] for k, number in zip(parts, each, strict=True)}
        for drawer, row in gone.items():
            out.drawers.setdefault(drawer, {}).update(dict.fromkeys(row, REMOVED))
            out.stamps.setdefault(drawer, {}).update({k: stamps[n] for k, n in row.items()})
        return out


_PLAIN = (int, bool, type(None))


def _drawer_to_json(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON of a drawer; a drawer is never mistaken for a tag, whatever its keys."""
    return {_key(k): v if type(v) in _PLAIN else to_json(v) for k, v in parts.items()}


def _key(key: str) -> str:
    return key if key.isascii() else key.encode("utf-8", "backslashreplace").decode()


def drawer_from_json(parts: Mapping[str, Any]) -> dict[str, Value]:
    """Return a drawer of `Telling.dump`."""
    return {k: from_json(v) if type(v) in {dict, list} else v for k, v in parts.items()}
