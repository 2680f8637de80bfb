"""A run's ways to show things: text, dicts, images, figures, tables, histograms, HTML, files.

Each takes a name and, if you like, a step. What is wrong with the input is raised before anything
is written; what is wrong with the disk is told once and noted in the run, and training goes on
(``strict`` raises). All is written on the caller's thread: when the call returns it is there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, MendelError, StoreError, WrongTypeError
from mendel.graph.values import shorten
from mendel.track import notice, session

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

    from mendel.graph.values import Value
    from mendel.track.media import Media, Shown
    from mendel.track.store import Store


class RunMediaVerbs:
    """See the top of this file; a part of `mendel.track.run.ExperimentRun`."""

    id: str
    store: Store

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a record that is no point."""
        raise NotImplementedError

    @property
    def files_folder(self) -> Path:
        """Where the run's own files lie."""
        return self.store.run_folder(self.id) / "files"

    # -- showing --

    def log_text(
        self, text: str, name: str, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Show text; a suffix in the name (``report.md``) is kept.

        Raises:
            WrongTypeError: it is no text.
        """
        if not isinstance(text, str):
            raise WrongTypeError(f"log_text takes text, not {type(text).__name__}.")
        self._show(name, step, caption, lambda make: make.page("text", ".txt", text))

    def log_html(
        self, html: str, name: str, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Show a page of HTML.

        Raises:
            WrongTypeError: it is no text.
        """
        if not isinstance(html, str):
            raise WrongTypeError(f"log_html takes text, not {type(html).__name__}.")
        self._show(name, step, caption, lambda make: make.page("html", ".html", html))

    def log_dict(
        self, dictionary: Any, name: str, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Show a dict or a list, nested at will, as JSON; types are kept.

        Raises:
            WrongTypeError: something in it cannot be kept; the message says where.
        """
        self._show(name, step, caption, lambda make: make.json_text(dictionary, name))

    def log_image(
        self,
        image: Any,
        name: str | None = None,
        *,
        step: int | None = None,
        caption: str | None = None,
        key: str | None = None,
    ) -> None:
        """Show an image: an array or a tensor, a PIL image, a path, a matplotlib figure.

        Args:
            image: an array height × width, with 1 to 4 channels last or first; bool, integers from
                0 to 255, uint16, or floats from 0 to 1.
            name: what it is called; ``key`` is another word for it, as in MLflow.
            step: of training.
            caption: a line to go with it.
            key: see ``name``.

        Raises:
            WrongTypeError, InvalidError: no image, or values out of range (never cut off silently).
            FileNotFoundError: there is no file at that path.
        """
        called = name if name is not None else key
        if called is None:
            raise InvalidError("an image needs a name: log_image(image, 'samples').")
        self._show(called, step, caption, lambda make: make.image(image, called))

    def log_figure(
        self, figure: Any, name: str, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Show a figure of matplotlib (PNG; .svg or .pdf in the name choose those) or Plotly.

        Raises:
            WrongTypeError: it is neither.
        """
        self._show(name, step, caption, lambda make: make.figure(figure, name))

    def log_table(
        self, data: Any, name: str, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Show a table: a dict of columns, a list of dicts, a DataFrame, an Arrow table, an array.

        Types are kept, NaN and None apart; a row of a list without a column has None there.

        Raises:
            WrongTypeError: nothing of the kind, or a value that cannot be kept (it names the cell).
            InvalidError: columns of different lengths, or two of one name.
        """
        self._show(name, step, caption, lambda make: make.tabular(data))

    def log_histogram(
        self,
        values: Any = None,
        name: str | None = None,
        *,
        step: int | None = None,
        counts: Any = None,
        edges: Any = None,
        bins: int = 64,
        caption: str | None = None,
    ) -> None:
        """Show how values are spread: the values themselves, or counts and their edges.

        NaN and ±Inf stand in no bin; they are counted apart.

        Raises:
            WrongTypeError: no numbers.
            InvalidError: values and counts, or counts and edges that do not fit.
        """
        if name is None:
            raise InvalidError("a histogram needs a name: log_histogram(values, 'weights').")

        self._show(
            name,
            step,
            caption,
            lambda make: make.bars(make.histogram(values, counts=counts, edges=edges, bins=bins)),
        )

    def log_audio(
        self,
        path: str | os.PathLike[str],
        name: str,
        *,
        step: int | None = None,
        caption: str | None = None,
    ) -> None:
        """Show a sound file; the run keeps a copy.

        Raises:
            FileNotFoundError: there is no such file.
        """
        self._show(name, step, caption, lambda make: make.from_file(path, "audio"))

    def log_video(
        self,
        path: str | os.PathLike[str],
        name: str,
        *,
        step: int | None = None,
        caption: str | None = None,
    ) -> None:
        """Show a video file; the run keeps a copy.

        Raises:
            FileNotFoundError: there is no such file.
        """
        self._show(name, step, caption, lambda make: make.from_file(path, "video"))

    def _show(
        self, name: str, step: int | None, caption: str | None, what: Callable[[ModuleType], Shown]
    ) -> None:
        """Check everything, save the bytes, then write the fact."""
        _check(name, step, caption)
        from mendel.track import media
        from mendel.track.files import RunFiles, file_pieces, safe_path, with_step

        shown = what(media)
        with self.enduring(f"{shown.kind} {shorten(name, 60)!r}"):
            body: dict[str, Value] = {"key": name, "type": shown.kind}
            if step is not None:
                body["step"] = int(step)
            if caption is not None:
                body["caption"] = caption
            if shown.meta:
                body["meta"] = shown.meta
            if shown.data is not None:
                data = shown.data
                pieces = iter((data,)) if isinstance(data, bytes) else file_pieces(data)
                path = with_step(safe_path(name), step, shown.suffix)
                saved = RunFiles(self.files_folder).save(f"media/{path}", pieces)
                body.update(path=saved.path, size=saved.size, sha256=saved.sha256)
            self.fact("media", body)

    @contextlib.contextmanager
    def enduring(self, what: str) -> Iterator[None]:
        """Within, a disk that fails is told and noted in the run, and stops nothing.

        Raises:
            StoreError: the run is strict.
        """
        try:
            yield
        except (OSError, StoreError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"{what} was not logged: {reason}"
            if session.strict():
                if isinstance(error, MendelError):
                    raise
                raise StoreError(f"{text}. Free some space and log it again.") from error
            notice.warn(text, stacklevel=4)
            with contextlib.suppress(OSError, MendelError):  # the disk may take not even that
                self.fact("alert", {"title": "not logged", "text": text, "level": "WARN"})

    # -- reading back --

    def media(
        self, key: str | None = None, *, kind: str | None = None, step: int | None = None
    ) -> Sequence[Media]:
        """Return what was shown, in the order it was logged: all, or of one key, kind or step.

        ``.load()`` of each gives what was logged: text, dict, `Table`, `Histogram`, an array.

        Raises:
            InvalidError: an unknown kind.
        """
        from mendel.track.media import KINDS, media_of

        if kind is not None and kind not in KINDS:
            raise InvalidError(f"{kind!r} is no kind; there are: {', '.join(KINDS)}.")
        self.store.refresh([self.id])
        found = [
            media_of(fact, self.files_folder)
            for fact in self.store.catalog.facts(self.id, ["media"])
        ]
        return [
            one
            for one in found
            if (key is None or one.key == key)
            and (kind is None or one.kind == kind)
            and (step is None or one.step == step)
        ]


def _check(name: object, step: object, caption: object) -> None:
    if not isinstance(name, str):
        raise WrongTypeError(f"the name must be text, not {type(name).__name__} {name!r}.")
    if not name.strip("/. "):
        raise InvalidError(f"the name {name!r} says nothing; give it a name.")
    is_int = isinstance(step, int) or hasattr(step, "__index__")
    if step is not None and (not is_int or isinstance(step, bool)):
        raise WrongTypeError(f"a step is an int, not {type(step).__name__} {step!r}.")
    if caption is not None and not isinstance(caption, str):
        raise WrongTypeError(f"a caption is text, not {type(caption).__name__}.")
