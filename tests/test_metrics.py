"""Metrics against scikit-learn's, added up over uneven batches."""

import numpy as np
import pytest
from sklearn import metrics as reference

from bpnet import R2, Accuracy, Adam, BinaryAccuracy, Dense, Input, Sequential, TopKAccuracy

RNG = np.random.default_rng(8)
X = RNG.normal(size=(37, 5))
LABELS = RNG.integers(0, 4, 37)
WEIGHT = RNG.uniform(0.5, 2.0, 37)


def measured(backend, dtype, layers, loss, y, metrics, **settings):
    model = Sequential([Input((5,)), *layers], backend=backend, dtype=dtype)
    model.compile(Adam(), loss, metrics)
    return model.evaluate(X, y, batch_size=8, return_dict=True, **settings), model.predict(X)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_accuracy_and_top_k(backend, dtype, weight):
    logs, p = measured(
        backend, dtype, [Dense(4, "softmax")], "sparse_categorical_crossentropy", LABELS,
        ["accuracy", TopKAccuracy(2)], sample_weight=weight,
    )  # fmt: skip
    assert logs["accuracy"] == pytest.approx(reference.accuracy_score(LABELS, p.argmax(1), sample_weight=weight))
    expected = reference.top_k_accuracy_score(LABELS, p, k=2, sample_weight=weight, labels=range(4))
    assert logs["top_2_accuracy"] == pytest.approx(expected)


def test_accuracy_of_one_hot_targets(backend):
    logs, p = measured(
        backend, None, [Dense(4, "softmax")], "categorical_crossentropy", np.eye(4)[LABELS], [Accuracy(), "mse", "mae"]
    )
    assert logs["accuracy"] == pytest.approx((p.argmax(1) == LABELS).mean())
    assert logs["mse"] == pytest.approx(((p - np.eye(4)[LABELS]) ** 2).mean(), rel=1e-5)
    assert logs["mae"] == pytest.approx(np.abs(p - np.eye(4)[LABELS]).mean(), rel=1e-5)


def test_binary_accuracy_is_of_probabilities_also_when_training_on_logits(backend, dtype):
    y = LABELS > 1
    for metric in ("accuracy", "binary_accuracy", BinaryAccuracy(threshold=0.3)):
        logs, p = measured(backend, dtype, [Dense(1, "sigmoid")], "binary_crossentropy", y, [metric])
        threshold = 0.3 if isinstance(metric, BinaryAccuracy) else 0.5
        (accuracy,) = (value for name, value in logs.items() if name != "loss")
        assert accuracy == pytest.approx(((p[:, 0] > threshold) == y).mean())


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_regression_metrics(backend, weight):
    y = RNG.normal(size=(37, 2)) * 3 + 100
    logs, p = measured(backend, "float64", [Dense(2)], "mse", y, ["mse", "mae", R2()], sample_weight=weight)
    assert logs["mse"] == pytest.approx(reference.mean_squared_error(y, p, sample_weight=weight), rel=1e-12)
    assert logs["mae"] == pytest.approx(reference.mean_absolute_error(y, p, sample_weight=weight), rel=1e-12)
    w = np.ones(37) if weight is None else weight
    together = reference.r2_score(y.ravel(), p.ravel(), sample_weight=np.repeat(w, 2))
    assert logs["r2"] == pytest.approx(together, rel=1e-9)


@pytest.mark.parametrize("y", [np.ones(37), np.full(37, 0.1), 1e8 + RNG.normal(size=37)])
def test_r2_is_not_a_number_where_the_spread_is_lost(y):
    logs, _ = measured("numpy", "float64", [Dense(1)], "mse", y, ["r2"])
    assert np.isnan(logs["r2"])


def test_accuracy_of_one_hot_rows_with_a_loss_of_values(backend):
    logs, p = measured(backend, None, [Dense(4)], "mse", np.eye(4)[LABELS], ["accuracy"])
    assert logs["accuracy"] == pytest.approx((p.argmax(1) == LABELS).mean())


def test_outputs_that_are_no_numbers_are_not_among_the_top(backend):
    p = backend.asarray(np.full((2, 4), np.nan), "float64")
    right = TopKAccuracy(2).values(backend.xp, backend.asarray([0, 1], "int64"), p)
    assert not backend.to_numpy(right).any()
