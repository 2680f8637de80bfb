"""Which experiments there are: a pure fold of what journals and people said of them, in any order.

Two processes that did not know of each other may each make an experiment of one name: those are
one experiment. People rename, delete and restore experiments, which frees and takes names. So who
is who depends on the order *in time* of births and decisions, never on the order in which they were
heard of. There are few experiments, so every catalog simply folds them all again when one changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.graph import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mendel.catalog.contract import Decision
    from mendel.catalog.facts import Stamp
    from mendel.graph.digest import Fact

DECISIONS = (
    "rename_experiment",
    "describe_experiment",
    "delete_experiment",
    "restore_experiment",
)


@dataclass(slots=True)
class Birth:
    """What journals say of one experiment id; ``named`` and ``described`` tell when they said so.

    The oldest name holds (a newer one tells of a renaming that was decided elsewhere), and the
    newest description.
    """

    id: str
    name: str
    created: float
    named: Stamp
    description: str | None = None
    described: Stamp | None = None

    def add(self, other: Birth) -> None:
        """Take in what another fact says of the same id."""
        self.created = min(self.created, other.created)
        if other.named < self.named:
            self.name, self.named = other.name, other.named
        if other.described is not None and (
            self.described is None or other.described > self.described
        ):
            self.description, self.described = other.description, other.described


def birth_of(stamp: Stamp, fact: Fact) -> Birth | None:
    """Return what a fact says of an experiment, if it says anything."""
    body: dict[str, Any] = fact.body
    if fact.kind == "experiment":
        text = body.get("description")
        told = None if text is None else stamp
        return Birth(body["id"], body["name"], body["created"], stamp, text, told)
    if fact.kind == "run":
        experiment = body["experiment"]
        an_id = experiment["id"]
        created = clock.id_time(an_id) if clock.is_id(an_id) else stamp.time
        return Birth(an_id, experiment["name"], created, stamp)
    return None


@dataclass(slots=True, eq=False)
class Known:
    """An experiment: all the ids that it was born under, the earliest first."""

    name: str
    births: list[Birth] = field(default_factory=list)
    description: str | None = None  # decided
    described: bool = False
    deleted: float | None = None
    updated: float | None = None  # when people last decided something about it

    @property
    def id(self) -> str:
        """The id that stands for all of them."""
        return self.births[0].id

    @property
    def created(self) -> float:
        """When the first of them was made."""
        return self.births[0].created

    def told(self) -> str | None:
        """Return the description: what people decided, else what was logged last."""
        if self.described:
            return self.description
        logged = [b for b in self.births if b.described is not None]
        return max(logged, key=lambda b: b.described or ()).description if logged else None

    def join(self, other: Known) -> None:
        """Take in another one that has, or takes, the same name."""
        self.births = sorted([*self.births, *other.births], key=lambda b: (b.created, b.id))
        if other.described and (not self.described or (other.updated or 0) > (self.updated or 0)):
            self.description, self.described = other.description, True
        times = [t for t in (self.updated, other.updated) if t is not None]
        self.updated = max(times, default=None)


class Experiments:
    """The outcome of the fold: ``by_id`` for every id, ``by_name`` for those not in the trash."""

    def __init__(self, births: Iterable[Birth], decisions: Sequence[Decision]) -> None:
        self.by_id: dict[str, Known] = {}
        self.by_name: dict[str, Known] = {}
        known = {birth.id: birth for birth in births}
        moves: list[tuple[float, int, str, int, Birth | Decision]] = [
            (birth.created, 0, birth.id, 0, birth) for birth in known.values()
        ]
        latest = float("-inf")
        for number, decision in enumerate(decisions):
            birth = known.get(decision.target)
            if birth is None or decision.what not in DECISIONS:
                continue
            # No decision comes before what it is about, nor before one that was taken earlier:
            # clocks of different machines differ.
            latest = max(latest, decision.time, birth.created)
            moves.append((latest, 1, "", number, decision))
        for *_, move in sorted(moves, key=lambda m: m[:4]):
            if isinstance(move, Birth):
                self._born(move)
            else:
                self._decided(move)

    def all(self) -> list[Known]:
        """Return the experiments, each once, by name and id."""
        return sorted(set(self.by_id.values()), key=lambda e: (e.name, e.id))

    def _born(self, birth: Birth) -> None:
        known = self.by_name.get(birth.name)
        if known is None:
            known = self.by_name[birth.name] = Known(birth.name, [birth])
        else:
            known.join(Known(birth.name, [birth]))
        self.by_id[birth.id] = known

    def _decided(self, decision: Decision) -> None:
        known = self.by_id[decision.target]
        known.updated = max(decision.time, known.updated or decision.time)
        if decision.what == "rename_experiment":
            self._leave(known)
            known.name = str(decision.body["name"])
            self._enter(known)
        elif decision.what == "describe_experiment":
            text = decision.body.get("description")
            known.description = None if text is None else str(text)
            known.described = True
        elif decision.what == "delete_experiment":
            self._leave(known)
            known.deleted = decision.time
        else:
            known.deleted = None
            self._enter(known)

    def _leave(self, known: Known) -> None:
        if self.by_name.get(known.name) is known:
            del self.by_name[known.name]

    def _enter(self, known: Known) -> None:
        """Take its name; where another one has it, they are one from now on."""
        if known.deleted is not None:
            return
        other = self.by_name.setdefault(known.name, known)
        if other is not known:
            other.join(known)
            for birth in known.births:
                self.by_id[birth.id] = other
