"""What `log_classification_metrics` takes: a confusion matrix, a ROC curve, or both, checked whole.

Everything is checked before anything is written, and what scikit-learn returns is taken as it is:
arrays for lists, NumPy's scalars for labels, and the infinite first threshold of ``roc_curve``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import normal, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.graph.values import Value

INLINE_POINTS = 1000  # a curve with more points is not repeated in the artifact's metadata


def checked(
    *,
    labels: object = None,
    matrix: object = None,
    fpr: object = None,
    tpr: object = None,
    threshold: object = None,
) -> dict[str, Value]:
    """Return the parts that were given, as plain lists.

    Raises:
        InvalidError: a part without its partner; lengths that differ; a matrix that is not square;
            NaN, a negative count, a rate outside of 0 … 1; nothing given.
        WrongTypeError: something that is no list of numbers.
    """
    _together({"labels": labels, "matrix": matrix})
    _together({"fpr": fpr, "tpr": tpr, "threshold": threshold})
    body: dict[str, Value] = {}
    if matrix is not None:
        names = [str(name) for name in _listed(labels, "labels")]
        body["labels"] = list[Any](names)
        body["matrix"] = square(matrix, names)
    if fpr is not None:
        curve = {"fpr": _rates(fpr, "fpr"), "tpr": _rates(tpr, "tpr")}
        curve["threshold"] = _numbers(threshold, "threshold")
        sizes = {name: len(values) for name, values in curve.items()}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise InvalidError(f"fpr, tpr and threshold must have one length; {told}.")
        body.update({name: list[Any](values) for name, values in curve.items()})
    if not body:
        raise InvalidError(
            "nothing to log: give labels and matrix, or fpr, tpr and threshold, or all five."
        )
    return body


def square(matrix: object, labels: Sequence[str]) -> list[Any]:
    """Return a confusion matrix as lists: one row and one column for each label.

    Raises:
        InvalidError, WrongTypeError: it is none; the message names the row.
    """
    rows = _listed(matrix, "matrix")
    if len(rows) != len(labels):
        raise InvalidError(
            f"labels and matrix must have one length; {len(labels)} labels "
            f"({shorten(', '.join(labels))}) and {len(rows)} rows were given."
        )
    out: list[Any] = []
    for number, row in enumerate(rows):
        where = f"matrix[{number}]"
        if not isinstance(row, list):
            raise WrongTypeError(f"{where} must be a row of numbers, not {_kind(row)}.")
        counts = _numbers(row, where)
        if len(counts) != len(labels):
            raise InvalidError(
                f"{where} has {len(counts)} numbers; the matrix must be square, with "
                f"{len(labels)} in each row."
            )
        if any(count < 0 or math.isinf(count) for count in counts):
            raise InvalidError(f"{where} has a negative or infinite count: {shorten(str(counts))}.")
        out.append(counts)
    return out


def artifact_metadata(body: dict[str, Value]) -> dict[str, object]:
    """Return the metadata of the ``google.ClassificationMetrics`` artifact, in Vertex's form.

    A curve of more than 1,000 points is told by its number of points only; all of them are in
    what `get_classification_metrics` returns.
    """
    data: dict[str, Any] = dict(body)
    metadata: dict[str, object] = {}
    if "matrix" in data:
        specs = [{"displayName": label} for label in data["labels"]]
        metadata["confusionMatrix"] = {"annotationSpecs": specs, "rows": data["matrix"]}
    if "fpr" in data:
        points = list(zip(data["threshold"], data["tpr"], data["fpr"], strict=True))
        if len(points) > INLINE_POINTS:
            metadata["confidenceMetricsCount"] = len(points)
        else:
            metadata["confidenceMetrics"] = [
                {"confidenceThreshold": at, "recall": recall, "falsePositiveRate": rate}
                for at, recall, rate in points
            ]
    return metadata


def _together(parts: dict[str, object]) -> None:
    given = [name for name, value in parts.items() if value is not None]
    missing = [name for name, value in parts.items() if value is None]
    if given and missing:
        raise InvalidError(
            f"{' and '.join(given)} came without {' and '.join(missing)}; "
            f"{', '.join(parts)} belong together."
        )


def _listed(value: object, what: str) -> list[Any]:
    plain = normal(value, what)
    if not isinstance(plain, list):
        raise WrongTypeError(f"{what} must be a list or an array, not {_kind(value)}.")
    return plain


def _numbers(value: object, what: str) -> list[Any]:
    numbers = _listed(value, what)
    for place, number in enumerate(numbers):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise WrongTypeError(f"{what}[{place}] must be a number, not {_kind(number)}.")
        if number != number:  # noqa: PLR0124 - NaN
            raise InvalidError(f"{what}[{place}] is NaN; leave such points out, or mend them.")
    return numbers


def _rates(value: object, what: str) -> list[Any]:
    rates = _numbers(value, what)
    for place, rate in enumerate(rates):
        if not 0 <= rate <= 1:
            raise InvalidError(f"{what}[{place}] is {rate}; a rate lies between 0 and 1.")
    return rates


def _kind(value: object) -> str:
    return f"{type(value).__name__} {shorten(repr(value), 40)}"
