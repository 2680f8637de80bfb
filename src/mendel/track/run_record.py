"""What a run is told beside its series: tags, notes, goals of metrics, alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, WrongTypeError, did_you_mean
from mendel.graph.values import shorten
from mendel.track import config
from mendel.track.background import soon
from mendel.track.goal import read_goal

if TYPE_CHECKING:
    from mendel.graph.state import Goal
    from mendel.graph.values import Value
    from mendel.track.store import Store

LEVELS = ("INFO", "WARN", "ERROR")


class RunRecordVerbs:
    """See the top of this file; a part of `mendel.track.run.ExperimentRun`."""

    id: str
    store: Store

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a record that is no point."""
        raise NotImplementedError

    def set_tags(self, tags: Any) -> None:
        """Set tags: words to find and group runs by; a tag that is there is replaced.

        Raises:
            WrongTypeError, InvalidError: a name or value that cannot be kept; nothing was set.
        """
        self.fact("tags", {"set": checked_tags(tags)})

    def set_tag(self, key: str, value: Any = True) -> None:
        """Set one tag.

        Raises:
            WrongTypeError, InvalidError: as `set_tags`.
        """
        self.fact("tags", {"set": config.one(key, value, "tag")})

    def delete_tag(self, key: str) -> None:
        """Take a tag away; one that is not there is none."""
        if not isinstance(key, str):
            raise WrongTypeError(f"the name of a tag must be text, not {type(key).__name__}.")
        self.fact("tags", {"remove": [key]})

    def set_note(self, text: str | None) -> None:
        """Set the run's note (Markdown; None removes it). It is kept beside training, not within.

        Raises:
            WrongTypeError: it is no text.
        """
        check_note(text)
        store, run = self.store, self.id
        soon(lambda: store.decide("note_run", run, note=text), name="keeping the note")

    def define_metric(
        self,
        name: str,
        goal: str | Goal | None = None,
        *,
        step_metric: str | None = None,
        summary: str | None = None,
    ) -> None:
        """Say which way a metric is better, and which metric is its x axis.

        Args:
            name: the metric; ``val/*`` means all that begin with ``val/``.
            goal: ``"minimize"`` or ``"maximize"`` (``"min"``, ``"max"``).
            step_metric: the metric to draw it over, for instance ``"epoch"``.
            summary: another tracker's word for the goal: ``"min"`` or ``"max"``.

        Raises:
            WrongTypeError, InvalidError: a name that is no text or empty, an unknown goal.
        """
        for text, what in ((name, "name"), (step_metric, "step_metric")):
            if text is not None and not isinstance(text, str):
                raise WrongTypeError(f"{what} of a metric must be text, not {type(text).__name__}.")
        if not name:
            raise InvalidError("the name of a metric is empty; give it a name.")
        body: dict[str, Value] = {"name": name}
        wanted = goal if goal is not None else summary
        if wanted is not None:
            body["goal"] = read_goal(wanted).value
        if step_metric is not None:
            body["step_metric"] = step_metric
        self.fact("define_metric", body)

    def alert(self, title: str, text: str = "", level: str = "INFO") -> None:
        """Note something that a person should look at.

        Raises:
            WrongTypeError: title or text is no text.
            InvalidError: the level is not INFO, WARN or ERROR.
        """
        for what, given in {"title": title, "text": text}.items():
            if not isinstance(given, str):
                raise WrongTypeError(f"an alert's {what} must be text, not {type(given).__name__}.")
        word = str(getattr(level, "name", level)).upper()
        word = {"WARNING": "WARN", "CRITICAL": "ERROR"}.get(word, word)
        if word not in LEVELS:
            raise InvalidError(f"{shorten(str(level))!r} is no level{did_you_mean(word, LEVELS)}")
        self.fact("alert", {"title": title, "text": text, "level": word})


def check_note(text: object) -> None:
    """Raise WrongTypeError where something is no note."""
    if text is not None and not isinstance(text, str):
        raise WrongTypeError(f"a note is text, not {type(text).__name__}.")


def checked_tags(tags: Any) -> dict[str, Value]:
    """Return tags in their plain form, all or nothing; plain words, as other trackers take them.

    Raises:
        WrongTypeError, InvalidError: a name or value that cannot be kept.
    """
    words = isinstance(tags, list | tuple | set | frozenset)
    if words and all(isinstance(tag, str) for tag in tags):
        tags = dict.fromkeys(tags, True)
    return config.checked(tags, "tag")
