"""What classification metrics are taken, and what is told of those that are not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_curve

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.track.classification import artifact_metadata, checked


def test_what_scikit_learn_returns_is_taken_as_it_is() -> None:
    truth = np.array([0, 1, 1, 0, 1])
    score = np.array([0.1, 0.9, 0.4, 0.6, 0.8])
    fpr, tpr, threshold = roc_curve(truth, score)
    matrix = confusion_matrix(truth, score > 0.5)
    body: Any = checked(
        labels=np.array([0, 1]), matrix=matrix, fpr=fpr, tpr=tpr, threshold=threshold
    )
    assert body["labels"] == ["0", "1"]
    assert body["matrix"] == [[1, 1], [1, 2]]
    assert all(type(count) is int for row in body["matrix"] for count in row)
    assert body["threshold"][0] == math.inf
    assert len(body["fpr"]) == len(body["tpr"]) == len(body["threshold"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "nothing to log"),
        ({"labels": ["a"]}, "labels came without matrix"),
        ({"matrix": [[1]]}, "matrix came without labels"),
        ({"fpr": [0.0], "tpr": [0.0]}, "without threshold"),
        ({"labels": ["a", "b"], "matrix": [[1, 2]]}, "2 labels .* and 1 rows"),
        ({"labels": ["a", "b"], "matrix": [[1, 2, 3], [4]]}, r"matrix\[0\] has 3 numbers"),
        ({"labels": ["a", "b"], "matrix": [[1, 2], [4]]}, r"matrix\[1\] has 1 numbers"),
        ({"labels": ["a"], "matrix": [[float("nan")]]}, "NaN"),
        ({"labels": ["a"], "matrix": [[-1]]}, "negative"),
        ({"fpr": [0, 1], "tpr": [0, 1], "threshold": [1]}, "threshold has 1"),
        ({"fpr": [0, 2], "tpr": [0, 1], "threshold": [1, 0]}, r"fpr\[1\] is 2"),
        ({"fpr": [0, float("nan")], "tpr": [0, 1], "threshold": [1, 0]}, r"fpr\[1\] is NaN"),
    ],
)
def test_what_does_not_fit_is_a_value_error_that_tells_where(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidError, match=told) as caught:
        checked(**given)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "given",
    [
        {"labels": "ab", "matrix": [[1]]},
        {"labels": ["a"], "matrix": [["1"]]},
        {"labels": ["a"], "matrix": [1]},
        {"labels": ["a"], "matrix": [[True]]},
        {"labels": ["a"], "matrix": 5},
        {"fpr": 0.1, "tpr": 0.2, "threshold": 0.3},
        {"fpr": [object()], "tpr": [0.2], "threshold": [0.3]},
    ],
)
def test_wrong_types_are_a_type_error(given: dict[str, Any]) -> None:
    with pytest.raises(WrongTypeError) as caught:
        checked(**given)
    assert isinstance(caught.value, TypeError)


def test_the_metadata_has_vertex_form_and_a_long_curve_is_counted() -> None:
    body = checked(labels=["x"], matrix=[[3]], fpr=[0.0], tpr=[1.0], threshold=[0.5])
    assert artifact_metadata(body) == {
        "confusionMatrix": {"annotationSpecs": [{"displayName": "x"}], "rows": [[3]]},
        "confidenceMetrics": [
            {"confidenceThreshold": 0.5, "recall": 1.0, "falsePositiveRate": 0.0}
        ],
    }
    many = np.linspace(0, 1, 1001)
    assert artifact_metadata(checked(fpr=many, tpr=many, threshold=many)) == {
        "confidenceMetricsCount": 1001
    }
