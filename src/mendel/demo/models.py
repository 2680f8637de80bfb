"""The models of the demo: a linear baseline and boosted trees, each with a curve to watch.

Nothing here knows of tracking. A trainer calls ``observe(step, metrics)`` after every epoch or
iteration, and gives back a `Fitted`. All is seeded: the same recipe gives the same model.

Methods: logistic regression by averaged stochastic gradient descent (Bottou 2010; Xu 2011);
gradient boosting over histograms (Ke et al., LightGBM, NeurIPS 2017). Where LightGBM cannot be
loaded, scikit-learn's HistGradientBoostingClassifier (modelled on it) takes its place.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mendel.demo.flights import CATEGORIES, COLUMNS, NUMBERS, Part, Prepared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Observe = Callable[[int, dict[str, float]], None]

LABELS = ("on time", "late")
_CATEGORICAL = [i for i, name in enumerate(COLUMNS) if name in CATEGORIES]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train, and for how long. ``group`` gathers those that differ by their seed only."""

    name: str
    kind: str  # linear or gbdt
    steps: int
    params: dict[str, float | int] = field(default_factory=dict)
    seed: int = 0
    group: str | None = None


_SMALL = {"num_leaves": 7, "learning_rate": 0.2}
_MIDDLE = {"num_leaves": 31, "learning_rate": 0.1}
_LARGE = {"num_leaves": 127, "learning_rate": 0.05}
_BAGGED = {
    "num_leaves": 31,
    "learning_rate": 0.05,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
    "min_data_in_leaf": 500,
    "cat_smooth": 100.0,
    "cat_l2": 50.0,
}
RECIPES = (
    Recipe("linear", "linear", 15, {"learning_rate": 0.001, "l2": 1e-6}),
    Recipe("gbdt-small", "gbdt", 100, _SMALL),
    Recipe("gbdt-middle", "gbdt", 100, _MIDDLE),
    Recipe("gbdt-large", "gbdt", 120, _LARGE),
    *(Recipe(f"gbdt-bagged-{s}", "gbdt", 120, _BAGGED, s, "gbdt-bagged") for s in (1, 2, 3)),
)


def recipes(*, fast: bool = False) -> tuple[Recipe, ...]:
    """Return what the demo trains; ``fast`` shortens each to a tenth."""
    if not fast:
        return RECIPES
    return tuple(
        Recipe(r.name, r.kind, max(3, r.steps // 10), r.params, r.seed, r.group) for r in RECIPES
    )


class Fitted(Protocol):
    """A trained model."""

    best_step: int

    def probabilities(self, X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the probability of being late for each row of X."""
        ...

    def importance(self) -> dict[str, float]:
        """Return each feature's share in the model's decisions; they add up to 1."""
        ...

    def save(self, folder: Path) -> Path:
        """Write the model into a folder and return the file, which needs no pickle to be read."""
        ...


def booster() -> tuple[str, str | None]:
    """Return which library boosts, and why it is not LightGBM (None where it is)."""
    try:
        importlib.import_module("lightgbm")
    except (ImportError, OSError) as error:  # OSError: its shared library lacks libgomp
        return "scikit-learn", f"{type(error).__name__}: {error}"
    return "lightgbm", None


def train(recipe: Recipe, data: Prepared, observe: Observe, *, library: str = "lightgbm") -> Fitted:
    """Train one recipe on the train months, watching the validation months.

    ``observe`` gets ``train/logloss``, ``train/auc``, ``val/logloss`` and ``val/auc`` at every step
    (from 1); logloss in nats. Whatever it raises ends the training.
    """
    teach, choose = data.part("train"), data.part("val")
    if recipe.kind == "linear":
        return _train_linear(recipe, data, teach, choose, observe)
    if library == "lightgbm":
        return _train_lightgbm(recipe, teach, choose, observe)
    return _train_histogram(recipe, teach, choose, observe)


@lru_cache
def threads() -> int:
    """Return how many threads a trainer uses: the cores that nobody else keeps busy.

    Threads that wait for one another on busy cores take ten times as long as a single one.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(round((cores or 1) - load), 8))


# -- boosted trees -------------------------------------------------------------------------------


class _Boosted:
    def __init__(self, model: Any, best_step: int) -> None:
        self.model = model
        self.best_step = best_step

    def probabilities(self, X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray(self.model.predict(X, num_iteration=self.best_step))

    def importance(self) -> dict[str, float]:
        gains = self.model.feature_importance("gain", iteration=self.best_step)
        return _shares(gains)

    def save(self, folder: Path) -> Path:
        path = folder / "model.txt"
        self.model.save_model(path, num_iteration=self.best_step)
        return path


def _train_lightgbm(recipe: Recipe, teach: Part, choose: Part, observe: Observe) -> Fitted:
    import lightgbm

    best = _Best()

    def after(state: Any) -> None:
        seen = {}
        for part, metric, value, *_ in state.evaluation_result_list:
            seen[f"{part}/{metric.removeprefix('binary_')}"] = float(value)
        step = state.iteration + 1
        best.offer(step, seen["val/logloss"])
        observe(step, {name: seen[name] for name in sorted(seen)})

    params = {
        "objective": "binary",
        "metric": ["binary_logloss", "auc"],
        "num_threads": threads(),
        "seed": recipe.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        **recipe.params,
    }
    names = list(COLUMNS)
    taught = lightgbm.Dataset(
        teach.X, teach.y, feature_name=names, categorical_feature=_CATEGORICAL, params=params
    )
    watched = taught.create_valid(choose.X, choose.y)
    model = lightgbm.train(
        params,
        taught,
        recipe.steps,
        valid_sets=[taught, watched],
        valid_names=["train", "val"],
        callbacks=[after],
    )
    return _Boosted(model, best.step)


class _Histogram:
    """Trees of scikit-learn; kept as tables of splits, so that no pickle is ever read."""

    def __init__(self, model: Any, best_step: int, sample: Part) -> None:
        self.model = model
        self.best_step = best_step
        self._sample = sample

    def probabilities(self, X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray(self.model.predict_proba(X)[:, 1])

    def importance(self) -> dict[str, float]:
        """By permutation (Breiman 2001): how much the logloss grows when a column is shuffled."""
        from sklearn.metrics import log_loss

        rng = np.random.default_rng(0)
        plain = log_loss(self._sample.y, self.probabilities(self._sample.X), labels=[0, 1])
        grown = []
        for i in range(len(COLUMNS)):
            X = self._sample.X.copy()
            X[:, i] = rng.permutation(X[:, i])
            shuffled = log_loss(self._sample.y, self.probabilities(X), labels=[0, 1])
            grown.append(max(0.0, shuffled - plain))
        return _shares(np.array(grown))

    def save(self, folder: Path) -> Path:
        path = folder / "model.npz"
        # their splits have no public door
        trees = [one.nodes for stage in self.model._predictors for one in stage]
        with path.open("wb") as file:
            np.savez_compressed(
                file, allow_pickle=False, **{f"tree_{i}": t for i, t in enumerate(trees)}
            )
        return path


_STRIDE = 10  # trees a fit: scikit-learn sorts the data into bins anew at each


def _train_histogram(recipe: Recipe, teach: Part, choose: Part, observe: Observe) -> Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=recipe.params["learning_rate"],
        max_leaf_nodes=recipe.params["num_leaves"],
        min_samples_leaf=recipe.params.get("min_data_in_leaf", 20),
        l2_regularization=recipe.params.get("lambda_l2", 0.0),
        max_features=recipe.params.get("feature_fraction", 1.0),
        categorical_features=_CATEGORICAL,
        early_stopping=False,
        warm_start=True,
        random_state=recipe.seed,
    )
    for done in [*range(_STRIDE, recipe.steps, _STRIDE), recipe.steps]:
        model.set_params(max_iter=done)
        model.fit(teach.X, teach.y)
        observe(done, _watch(teach, choose, lambda X: model.predict_proba(X)[:, 1]))
    sample = Part(choose.X[:5000], choose.y[:5000])
    return _Histogram(model, recipe.steps, sample)


# -- the linear baseline -------------------------------------------------------------------------


class _Linear:
    def __init__(self, encoder: _Encoder) -> None:
        self.encoder = encoder
        self.best_step = 0
        self.weights: np.ndarray[Any, Any] = np.zeros(encoder.width)
        self.bias = 0.0

    def probabilities(self, X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        score = self.encoder(X) @ self.weights + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-score)))

    def importance(self) -> dict[str, float]:
        """By the spread of the weights; numbers are standardised, so that they can be compared."""
        size = np.zeros(len(COLUMNS))
        np.add.at(size, self.encoder.owner, self.weights**2)
        return _shares(np.sqrt(size))

    def save(self, folder: Path) -> Path:
        path = folder / "model.npz"
        e = self.encoder
        with path.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                weights=self.weights,
                bias=np.float64(self.bias),
                mean=e.mean,
                scale=e.scale,
                sizes=np.array(e.sizes),
            )
        return path


class _Encoder:
    """A column for each category; numbers standardised by the train months, unknown at the mean."""

    def __init__(self, data: Prepared, teach: Part) -> None:
        numbers = teach.X[:, len(CATEGORIES) :].astype(np.float64)
        self.mean = np.nan_to_num(np.nanmean(numbers, axis=0))
        spread = np.nan_to_num(np.nanstd(numbers, axis=0))
        self.scale = np.where(spread > 0, spread, 1.0)
        self.sizes = [len(data.categories[name]) for name in CATEGORIES]
        self.width = sum(self.sizes) + len(NUMBERS)
        blocks = [*self.sizes, *[1] * len(NUMBERS)]
        self.owner = np.repeat(np.arange(len(COLUMNS)), blocks)

    def __call__(self, X: np.ndarray[Any, Any]) -> Any:
        """Return a sparse matrix (rows, width), float64."""
        from scipy import sparse

        rows, first = len(X), np.cumsum([0, *self.sizes])
        codes = X[:, : len(CATEGORIES)].astype(np.int64) + first[:-1]
        numbers = np.nan_to_num((X[:, len(CATEGORIES) :] - self.mean) / self.scale)
        places = np.arange(first[-1], self.width)
        columns = np.hstack([codes, np.broadcast_to(places, (rows, len(places)))])
        values = np.hstack([np.ones((rows, len(CATEGORIES))), numbers])
        starts = np.arange(0, columns.size + 1, len(COLUMNS))
        shape = (rows, self.width)
        return sparse.csr_matrix((values.ravel(), columns.ravel(), starts), shape=shape)


def _train_linear(
    recipe: Recipe, data: Prepared, teach: Part, choose: Part, observe: Observe
) -> Fitted:
    from sklearn.linear_model import SGDClassifier

    encoder = _Encoder(data, teach)
    taught, watched = encoder(teach.X), encoder(choose.X)
    sgd = SGDClassifier(
        loss="log_loss",
        alpha=recipe.params["l2"],
        learning_rate="constant",
        eta0=recipe.params["learning_rate"],
        average=True,
        random_state=recipe.seed,
    )
    fitted, best = _Linear(encoder), _Best()
    parts = Part(taught, teach.y), Part(watched, choose.y)
    for epoch in range(1, recipe.steps + 1):
        sgd.partial_fit(taught, teach.y, classes=[0, 1])
        seen = _watch(*parts, lambda X: sgd.predict_proba(X)[:, 1])
        if best.offer(epoch, seen["val/logloss"]):
            fitted.weights, fitted.bias = sgd.coef_[0].copy(), float(sgd.intercept_[0])
            fitted.best_step = epoch
        observe(epoch, seen)
    return fitted


# -- judging -------------------------------------------------------------------------------------


class _Best:
    """Remembers the step with the lowest loss."""

    def __init__(self) -> None:
        self.step, self.loss = 0, np.inf

    def offer(self, step: int, loss: float) -> bool:
        better = loss < self.loss
        if better:
            self.step, self.loss = step, loss
        return better


def _shares(amounts: np.ndarray[Any, Any]) -> dict[str, float]:
    total = float(np.sum(amounts)) or 1.0
    return {name: float(a) / total for name, a in zip(COLUMNS, amounts, strict=True)}


def _watch(
    teach: Part, choose: Part, predict: Callable[[Any], np.ndarray[Any, Any]]
) -> dict[str, float]:
    from sklearn.metrics import log_loss, roc_auc_score

    seen = {}
    for name, part in (("train", teach), ("val", choose)):
        p = predict(part.X)
        seen[f"{name}/auc"] = float(roc_auc_score(part.y, p))
        seen[f"{name}/logloss"] = float(log_loss(part.y, p, labels=[0, 1]))
    return seen


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a model did in the months that it never saw.

    ``metrics`` are plain numbers; ``matrix`` counts flights, rows the truth and columns the
    guess, in the order of `LABELS`; ``fpr``, ``tpr`` and ``threshold`` are the ROC curve;
    ``reliability`` has, for ten bins of probability, (mean predicted, share late, flights).
    """

    metrics: dict[str, float]
    matrix: list[list[int]]
    fpr: list[float]
    tpr: list[float]
    threshold: list[float]
    reliability: list[tuple[float, float, int]]


def judge(fitted: Fitted, data: Prepared, *, points: int = 200) -> Verdict:
    """Judge by the test months; the threshold for 'late' is the validation months' best F1."""
    from sklearn import metrics as m

    choose, test = data.part("val"), data.part("test")
    precision, recall, cuts = m.precision_recall_curve(
        choose.y, fitted.probabilities(choose.X), drop_intermediate=True
    )
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    cut = float(cuts[int(np.argmax(f1[:-1]))])
    p = fitted.probabilities(test.X)
    guess = (p >= cut).astype(int)
    fpr, tpr, threshold = m.roc_curve(test.y, p)
    kept = np.unique(np.linspace(0, len(fpr) - 1, points).astype(int))
    found = {
        "test/auc": m.roc_auc_score(test.y, p),
        "test/logloss": m.log_loss(test.y, p, labels=[0, 1]),
        "test/average_precision": m.average_precision_score(test.y, p),
        "test/brier": m.brier_score_loss(test.y, p),
        "test/precision": m.precision_score(test.y, guess, zero_division=0),
        "test/recall": m.recall_score(test.y, guess, zero_division=0),
        "test/f1": m.f1_score(test.y, guess, zero_division=0),
        "threshold": cut,
    }
    return Verdict(
        {name: float(value) for name, value in found.items()},
        m.confusion_matrix(test.y, guess, labels=[0, 1]).tolist(),
        fpr[kept].tolist(),
        tpr[kept].tolist(),
        threshold[kept].tolist(),
        _reliability(p, test.y),
    )


def _reliability(
    p: np.ndarray[Any, Any], y: np.ndarray[Any, Any]
) -> list[tuple[float, float, int]]:
    bins = np.minimum((p * 10).astype(int), 9)
    counts = np.bincount(bins, minlength=10)
    safe = np.maximum(counts, 1)
    mean = np.bincount(bins, weights=p, minlength=10) / safe
    share = np.bincount(bins, weights=y, minlength=10) / safe
    rows = zip(mean, share, counts, strict=True)
    return [(float(a), float(b), int(n)) for a, b, n in rows if n]
