"""What a run shows: text, images, figures, tables and the like, as they are read back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendel.graph import values
from mendel.graph.errors import InvalidError, MissingLibraryError
from mendel.track.files import RunFiles

if TYPE_CHECKING:
    import numpy as np

    from mendel.graph.values import Value
    from mendel.track.table import Table

KINDS = (
    "image",
    "text",
    "table",
    "figure",
    "histogram",
    "html",
    "audio",
    "video",
    "json",
)


@dataclass(frozen=True, slots=True)
class Media:
    """One thing that a run showed.

    Attributes:
        key: the name it was logged under.
        kind: image, text, table, figure, histogram, html, audio, video or json.
        step: of training, if one was given.
        time: when it was logged, in seconds since 1970.
        caption: what was said with it.
        meta: what is known of it (an image's width and height, a histogram's counts and edges, …).
        path: its file, relative to the run's ``files/``; None where ``meta`` is all there is.
        size: bytes of its file.
    """

    key: str
    kind: str
    step: int | None
    time: float
    caption: str | None
    meta: dict[str, Value]
    path: str | None
    size: int | None
    folder: Path = field(repr=False, compare=False)

    @property
    def file(self) -> Path:
        """Its file.

        Raises:
            InvalidError: it has none: all of it is in ``meta``.
            NotFoundError: the file is gone.
        """
        if self.path is None:
            raise InvalidError(f"{self.kind} {self.key!r} has no file; load() gives what it is.")
        return RunFiles(self.folder).find(self.path)

    def read_bytes(self) -> bytes:
        """Return the bytes of its file; raises as `file`."""
        return self.file.read_bytes()

    def load(self) -> Any:
        """Return what was logged.

        text and html as str, json as it was, a table as `Table`, a histogram as `Histogram`, an
        image as an array height × width (× channels), anything else as bytes.
        """
        if self.kind in {"text", "html"}:
            return self.read_bytes().decode()
        if self.kind == "json":
            return values.loads(self.read_bytes())
        if self.kind == "table":
            return self.table()
        if self.kind == "histogram":
            return histogram_of(self.meta)
        if self.kind == "image":
            return self.image()
        return self.read_bytes()

    def table(self) -> Table:
        """Return a table; ``.to_pandas()`` makes a DataFrame of it."""
        from mendel.track.table import Table

        return Table.loads(self.read_bytes())

    def image(self) -> np.ndarray[Any, Any]:
        """Return an image as an array height × width (× channels).

        Raises:
            MissingLibraryError: it was logged as a file, and Pillow is not installed.
        """
        from mendel.track import png

        data = self.read_bytes()
        found = png.decode(data)
        if found is None:
            found = _with_pillow(data)
        return found[:, :, 0] if found.ndim == 3 and found.shape[2] == 1 else found


def _with_pillow(data: bytes) -> np.ndarray[Any, Any]:
    import io

    import numpy as np

    try:
        from PIL import Image
    except ImportError as error:
        raise MissingLibraryError(
            "reading this image needs Pillow: pip install pillow. Its file opens without."
        ) from error
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges: ``counts[i]`` lie in ``[edges[i], edges[i + 1])``, the last one closed.

    ``nan``, ``low`` and ``high`` count the NaN, -Inf and +Inf that stand in no bin.
    """

    counts: list[float]
    edges: list[float]
    nan: int = 0
    low: int = 0
    high: int = 0


def histogram_of(meta: dict[str, Any]) -> Histogram:
    """Return the histogram that a record tells."""
    return Histogram(
        list(meta["counts"]),
        list(meta["edges"]),
        int(meta.get("nan", 0)),
        int(meta.get("low", 0)),
        int(meta.get("high", 0)),
    )


def media_of(fact: dict[str, Any], folder: Path) -> Media:
    """Return what a ``media`` fact tells of a run whose files lie in a folder."""
    return Media(
        key=fact["key"],
        kind=fact["type"],
        step=fact.get("step"),
        time=fact.get("time", 0.0),
        caption=fact.get("caption"),
        meta=dict(fact.get("meta") or {}),
        path=fact.get("path"),
        size=fact.get("size"),
        folder=folder,
    )


# -- what is logged, as bytes ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """Something ready to be saved: its kind, its bytes (or its file), the suffix, what is known."""

    kind: str
    suffix: str
    data: bytes | Path | None
    meta: dict[str, Value] = field(default_factory=dict)


def page(kind: str, suffix: str, text: str) -> Shown:
    """Return text as it will be saved."""
    return Shown(kind, suffix, text.encode("utf-8", "backslashreplace"))


def tabular(data: Any) -> Shown:
    """Return a table; raises as `mendel.track.table.table`."""
    from mendel.track.table import table

    taken = table(data)
    meta: dict[str, Any] = {"rows": taken.rows, "columns": dict(taken.types)}
    made = page("table", ".table.json", taken.dumps())
    return Shown(made.kind, made.suffix, made.data, meta)


def bars(found: Histogram) -> Shown:
    """Return a histogram; all of it stands in what is known of it."""
    meta: dict[str, Any] = {"counts": found.counts, "edges": found.edges}
    beside = {"nan": found.nan, "low": found.low, "high": found.high}
    meta.update({word: count for word, count in beside.items() if count})
    return Shown("histogram", "", None, meta)


def figure(fig: Any, key: str) -> Shown:
    """Return a figure of matplotlib (also its axes, or seaborn's grids) or of Plotly.

    A key that ends in .svg, .pdf or .png chooses matplotlib's format; PNG otherwise. Plotly's are
    kept as its JSON, so that they stay interactive.

    Raises:
        WrongTypeError: neither.
    """
    import io

    from mendel.graph.errors import WrongTypeError

    if hasattr(fig, "to_plotly_json") and hasattr(fig, "to_json"):
        return Shown("figure", ".plotly.json", fig.to_json().encode(), {"library": "plotly"})
    whole = fig if hasattr(fig, "savefig") else getattr(fig, "figure", None)
    if whole is None or not hasattr(whole, "savefig"):
        raise WrongTypeError(
            f"a figure is one of matplotlib or Plotly, not {type(fig).__name__}. An image file or "
            "an array goes to log_image."
        )
    suffix = Path(key).suffix.lower()
    suffix = suffix if suffix in {".png", ".svg", ".pdf"} else ".png"
    out = io.BytesIO()
    whole.savefig(out, format=suffix[1:], bbox_inches="tight")
    return Shown("figure", suffix, out.getvalue(), {"library": "matplotlib"})


def image(source: Any, key: str) -> Shown:
    """Return an image: an array or a tensor, a PIL image, a path, or a matplotlib figure.

    Raises:
        WrongTypeError, InvalidError: see `mendel.track.png.pixels`.
    """
    import io
    import os

    if isinstance(source, str | os.PathLike):
        return from_file(source, "image")
    if hasattr(source, "savefig"):
        made = figure(source, key)
        return Shown("image", made.suffix, made.data, made.meta)
    if hasattr(source, "getbands") and hasattr(source, "save"):  # PIL
        out = io.BytesIO()
        source.save(out, format="PNG")
        meta: dict[str, Value] = {"width": source.width, "height": source.height}
        return Shown("image", ".png", out.getvalue(), meta)
    from mendel.track import png

    array = png.pixels(source, f"image {values.shorten(key, 40)!r}")
    height, width, channels = array.shape
    meta = {"width": width, "height": height, "channels": channels}
    return Shown("image", ".png", png.encode(array), meta)


def from_file(path: Any, kind: str) -> Shown:
    """Return a file that the run will have a copy of.

    Raises:
        FileNotFoundError, IsADirectoryError: there is no such file.
    """
    source = Path(path)
    if source.is_dir():
        raise IsADirectoryError(f"{source} is a folder; log_artifact takes folders.")
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}.")
    return Shown(kind, source.suffix.lower() or ".bin", source, {"name": source.name})


def histogram(
    given: Any = None, *, counts: Any = None, edges: Any = None, bins: int = 64
) -> Histogram:
    """Return a histogram of values, or the one whose counts and edges are given.

    Raises:
        InvalidError: neither or both; counts and edges that do not fit; bins below 1.
        WrongTypeError: no numbers.
    """
    import numpy as np

    from mendel.graph.errors import WrongTypeError

    if (given is None) == (counts is None and edges is None):
        raise InvalidError("give a histogram's values, or its counts and edges, not both.")
    if given is None:
        return _binned(counts, edges)
    if isinstance(bins, bool) or not hasattr(bins, "__index__") or bins < 1:
        raise InvalidError(f"bins must be a whole number, 1 or more, not {bins!r}.")
    if hasattr(given, "detach"):
        given = given.detach().cpu()
    try:
        array = np.asarray(given, dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise WrongTypeError(f"a histogram's values must be numbers: {error}.") from error
    finite = array[np.isfinite(array)]
    found, at = np.histogram(finite, bins=bins)
    return Histogram(
        found.tolist(),
        at.tolist(),
        int(np.isnan(array).sum()),
        int(np.isneginf(array).sum()),
        int(np.isposinf(array).sum()),
    )


def _binned(counts: Any, edges: Any) -> Histogram:
    import numpy as np

    from mendel.graph.errors import WrongTypeError

    if counts is None or edges is None:
        raise InvalidError("counts and edges belong together: give both.")
    try:
        heights = np.asarray(counts, dtype=np.float64)
        at = np.asarray(edges, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise WrongTypeError(f"a histogram's counts and edges must be numbers: {error}.") from error
    if heights.ndim != 1 or at.ndim != 1 or len(at) != len(heights) + 1:
        raise InvalidError(
            f"{heights.size} counts need {heights.size + 1} edges; {at.size} were given."
        )
    if not (np.diff(at) > 0).all() or not np.isfinite(at).all():
        raise InvalidError("the edges of a histogram must grow, and be finite.")
    if not (np.isfinite(heights).all() and (heights >= 0).all()):
        raise InvalidError("the counts of a histogram must be 0 or more.")
    return Histogram(heights.tolist(), at.tolist())


def json_text(data: Any, key: str) -> Shown:
    """Return a dict or list as JSON that keeps its types (see `mendel.graph.values`).

    Raises:
        WrongTypeError: something in it cannot be kept; the message says where.
    """
    plain = values.normal(data, values.shorten(key, 40))
    text = json.dumps(values.to_json(plain), ensure_ascii=False, indent=1, allow_nan=False)
    return Shown("json", ".json", text.encode("utf-8", "backslashreplace"))
