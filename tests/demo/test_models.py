"""The models: a recipe gives the same model each time, its curve grows, its verdict adds up."""

from pathlib import Path

import numpy as np
import pytest

from mendel.demo import flights, models

pytest.importorskip("sklearn", reason="the demo's extra is not installed")

Curve = list[tuple[int, dict[str, float]]]
RECIPES = {r.name: r for r in models.recipes(fast=True)}
LIBRARIES = ["lightgbm", "scikit-learn"]


@pytest.fixture(scope="module")
def data() -> flights.Prepared:
    return flights.prepare(flights.files(), sample=0.02)


def trained(name: str, data: flights.Prepared, library: str) -> tuple[models.Fitted, Curve]:
    curve: Curve = []
    fitted = models.train(
        RECIPES[name], data, lambda step, seen: curve.append((step, seen)), library=library
    )
    return fitted, curve


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["linear", "gbdt-small", "gbdt-bagged-2"])
def test_the_same_recipe_gives_the_same_model(
    name: str, library: str, data: flights.Prepared, tmp_path: Path
) -> None:
    test = data.part("test").X
    (a, seen), (b, again) = trained(name, data, library), trained(name, data, library)
    assert seen == again
    np.testing.assert_array_equal(a.probabilities(test), b.probabilities(test))
    assert [step for step, _ in seen] == sorted({step for step, _ in seen})
    assert set(seen[0][1]) == {"train/auc", "train/logloss", "val/auc", "val/logloss"}
    assert sum(a.importance().values()) == pytest.approx(1.0)
    assert a.save(tmp_path).stat().st_size > 0


def test_seeds_differ(data: flights.Prepared) -> None:
    test = data.part("test").X
    one, two = (
        trained(f"gbdt-bagged-{s}", data, "lightgbm")[0].probabilities(test) for s in (1, 2)
    )
    assert not np.array_equal(one, two)


def test_a_verdict_adds_up(data: flights.Prepared) -> None:
    fitted, _ = trained("gbdt-small", data, "lightgbm")
    verdict, test = models.judge(fitted, data), data.part("test")
    matrix = np.array(verdict.matrix)
    assert matrix.sum() == len(test.y)
    assert matrix[1].sum() == test.y.sum()
    assert verdict.metrics["test/recall"] == pytest.approx(matrix[1, 1] / matrix[1].sum())
    assert len(verdict.fpr) == len(verdict.tpr) == len(verdict.threshold) <= 200
    assert (verdict.fpr[0], verdict.tpr[-1]) == (0.0, 1.0)
    assert sum(n for _, _, n in verdict.reliability) == len(test.y)
    assert 0.5 < verdict.metrics["test/auc"] < 0.9


def test_what_the_watcher_raises_ends_the_training(data: flights.Prepared) -> None:
    def stop(step: int, _: dict[str, float]) -> None:
        if step == 2:
            raise KeyboardInterrupt

    for name in ("linear", "gbdt-small"):
        with pytest.raises(KeyboardInterrupt):
            models.train(RECIPES[name], data, stop)


def test_a_linear_model_is_read_back_without_pickle(data: flights.Prepared, tmp_path: Path) -> None:
    fitted, _ = trained("linear", data, "lightgbm")
    with np.load(fitted.save(tmp_path), allow_pickle=False) as saved:
        assert saved["weights"].shape == (sum(saved["sizes"]) + len(flights.NUMBERS),)
