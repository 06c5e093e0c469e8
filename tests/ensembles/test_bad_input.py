"""What does not make an ensemble: one clear error that names it, before anything is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

from bpnet import LBFGS, SGD, Dense, Dropout, Ensemble, Input, Model, Sequential
from bpnet.nn.averaging import Averaged

X, Y = np.zeros((10, 4)), np.zeros((10, 1))


def template(optimizer: Any = "sgd", drops: bool = True) -> Model:
    layers = [Input((4,)), *([Dropout(0.1)] if drops else []), Dense(1)]
    model = Sequential(layers, backend="numpy")
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "models: none was given"),
        ({"models": 0}, "models: 0"),
        ({"models": 2.5}, r"models: 2\.5"),
        ({"models": 3, "learning_rate": [0.1, 0.2]}, "learning_rate: 2 values were given for 3 models"),
        ({"seeds": [1, 2], "l2": [0.1, 0.2, 0.3]}, "l2: 3 values were given for 2 models"),
        ({"learning_rate": []}, "models: 0"),
        ({"models": 2, "learning_rate": [0.1, math.nan]}, "learning_rate: nan"),
        ({"models": 2, "learning_rate": math.inf}, "learning_rate: inf"),
        ({"models": 2, "learning_rate": 0.0}, r"learning_rate: 0\.0"),
        ({"models": 2, "learning_rate": "0.1"}, "learning_rate: '0.1'"),
        ({"models": 2, "learning_rate": [[0.1, 0.2]]}, "learning_rate: "),
        ({"models": 2, "weight_decay": -1}, "weight_decay: -1"),
        ({"models": 2, "l2": [0.1, -0.1]}, r"l2: -0\.1"),
        ({"models": 2, "dropout": [0.5, 1.0]}, r"dropout: 1\.0"),
        ({"models": 2, "seeds": [1, -1]}, "seeds: -1"),
        ({"models": 2, "seeds": "12"}, "seeds: "),
        ({"models": 2, "at_once": 0}, "at_once: 0"),
    ],
)
def test_settings(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        Ensemble(template(), **given)


def test_a_setting_without_a_layer() -> None:
    with pytest.raises(ValueError, match=r"^dropout: the model has no Dropout layer.* Mend: "):
        Ensemble(template(drops=False), 2, dropout=0.5)
    bare = Sequential([Input((4,)), Dropout(0.1)], backend="numpy")
    bare.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"^l2: the model has no layer that can have a kernel_regularizer.* Mend: "):
        Ensemble(bare, 2, l2=0.1)


@pytest.mark.parametrize("optimizer", [LBFGS(), Averaged("adam")])
def test_optimizers_that_are_not_one_formula(optimizer: Any) -> None:
    with pytest.raises(ValueError, match=rf"^model: its optimizer {type(optimizer).__name__} .* Mend: "):
        Ensemble(template(optimizer, drops=False), 2)


def test_templates() -> None:
    with pytest.raises(TypeError, match=r"^model: list was given"):
        Ensemble([], 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^model: it is not compiled\. Mend: "):
        Ensemble(Sequential([Input((4,)), Dense(1)], backend="numpy"), 2)
    unknown = Sequential([Dense(1)], backend="numpy")
    unknown.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="input shape is unknown"):
        Ensemble(unknown, 2)
    a, b = Input((2,)), Input((3,))
    several = Model([a, b], [Dense(1)(a), Dense(1)(b)], backend="numpy")
    several.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"^model: it has 2 inputs and 2 outputs, expected one of each\. Mend: "):
        Ensemble(several, 2)


def test_a_template_that_has_trained_gives_its_settings_and_stays_as_it_is() -> None:
    model, fresh = template(SGD(0.1)), template(SGD(0.1))
    model.fit(X + 1, Y + 1, epochs=2, verbose=0)
    before = model.get_weights()
    ensemble = Ensemble(model, 2)
    ensemble.fit(X + 1, Y + 1, epochs=1, verbose=0)
    fresh.fit(X + 1, Y + 1, epochs=1, verbose=0)
    for own, kept, alone, member in zip(
        model.get_weights(), before, fresh.get_weights(), ensemble.member(0).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(own, kept)
        np.testing.assert_allclose(member, alone, rtol=1e-6)


@pytest.mark.parametrize(
    ("folds", "says"),
    [
        ([[0, 1]], "folds: 1 were given, expected the rows of each of 2 models"),
        (3, "folds: 3 was given"),
        ("ab", "folds: 'ab' was given|folds: 2 were given"),
        ([[0, 1], []], r"folds\[1\]: "),
        ([[0, 10], [0, 1]], r"folds\[0\]: rows from 0 to 10 came, expected from 0 to 9"),
        ([[0, 1], [-1, 1]], r"folds\[1\]: rows from -1 to 1"),
        ([[0.5, 1], [0, 1]], r"folds\[0\]: float64"),
        ([[[0], [1]], [0, 1]], r"folds\[0\]: .*shape \(2, 1\)"),
        ([[[0, 1], [2]], [0, 1]], r"folds\[0\]: \[\[0, 1\], \[2\]\] was given, expected the numbers of rows of x"),
    ],
)
def test_folds(folds: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"^({says})"):
        Ensemble(template(), 2).fit(X, Y, folds=folds, verbose=0)


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_as_a_splitter_yields_them(folds: int) -> None:
    pairs = list(KFold(folds).split(X))
    with pytest.raises(
        ValueError,
        match=r"^folds\[0\]: a pair of arrays was given, expected the rows that model 0 learns from\. "
        r"Mend: \[learned for learned, _ in KFold\(5\)\.split\(x\)\]$",
    ):
        Ensemble(template(), folds).fit(X, Y, folds=pairs, verbose=0)
    with pytest.raises(ValueError, match=r"^folds\[1\]: a pair"):
        Ensemble(template(), 2).fit(X, Y, folds=[[0, 1], pairs[1]], verbose=0)
    learned = [learned for learned, _ in pairs]
    assert len(Ensemble(template(), folds).fit(X, Y, folds=learned, verbose=0)) == folds


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"y": Y[:5]}, "y: "),
        ({"x": X[:, :3]}, "x: "),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"epochs": 0}, "epochs: 0"),
        ({"validation_split": 1.5}, r"validation_split: 1\.5"),
        ({"validation_split": 0.2, "folds": [[0], [1]]}, "validation_split: it was given with folds"),
        ({"validation_data": (X, Y[:3])}, "validation y: "),
        ({"sample_weight": np.ones(3)}, "sample_weight: "),
    ],
)
def test_data(how: dict[str, Any], says: str) -> None:
    ensemble = Ensemble(template(), 2)
    before = ensemble.member(1).get_weights()
    with pytest.raises(ValueError, match=f"^{says}"):
        ensemble.fit(**({"x": X, "y": Y, "verbose": 0} | how))
    for own, kept in zip(ensemble.member(1).get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, kept)


@pytest.mark.parametrize("k", [2, -3, "0"])
def test_members(k: Any) -> None:
    with pytest.raises(IndexError, match=f"^k: {k!r} was given, expected a whole number from 0 to 1"):
        Ensemble(template(), 2).member(k)
    with pytest.raises(IndexError, match=f"^k: {k!r} was given"):
        Ensemble(template(), 2)[k]
