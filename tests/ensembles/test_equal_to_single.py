"""Each model of an ensemble is what it would be alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from backends_here import SPECS, backend_named
from bpnet import (
    L1L2,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    CosineDecay,
    Dense,
    Dropout,
    ExponentialDecay,
    Input,
    InverseTimeDecay,
    Lion,
    Nadam,
    RMSprop,
    Sequential,
    StepDecay,
)
from bpnet.data.digits import digits
from bpnet.data.random import generator
from bpnet.ensembles.ensemble import Ensemble
from ensembles.alone import WITHIN, require_equal, require_equal_figures, singles

DRAW = np.random.default_rng(5)
X, VALUES = DRAW.normal(size=(23, 5)), DRAW.normal(size=(23, 3))
LABELS = DRAW.integers(0, 3, size=23)


def small(spec: str = "numpy", optimizer: Any = "adam", loss: Any = "mse", last: str = "linear", **how: Any) -> Any:
    layers = [Input((5,)), Dense(4, "tanh"), Dropout(0.2), Dense(3, last)]
    model = Sequential(layers, backend=backend_named(spec), dtype="float64", seed=7)
    model.compile(optimizer, loss, **how)
    return model


def check(ensemble: Ensemble, x: Any, y: Any, folds: Any = None, **how: Any) -> None:
    """Train both ways, and compare."""
    alone = singles(ensemble, x, y, folds, **how)
    histories = ensemble.fit(x, y, folds=folds, verbose=0, **how)
    outputs = ensemble.predict(x)
    for k, single in enumerate(alone):
        require_equal(ensemble.member(k), single, x)
        assert histories[k].history == ensemble.member(k).history.history  # type: ignore[union-attr]
        np.testing.assert_allclose(outputs[k], single.predict(x), rtol=0, atol=WITHIN[single.dtype])


@pytest.mark.parametrize("spec", ["numpy", "numba", "torch:cpu"])
def test_eight_nets_on_digits(spec: str) -> None:
    """Dropout, rates, decays, penalties and folds of their own; two sizes of folds, and a last, smaller stack."""
    data = digits(0)
    images, labels = data.x_train[:330], data.y_train[:330]
    layers = [Input((64,)), Dense(32, "relu"), Dropout(0.1), Dense(10, "softmax")]
    model = Sequential(layers, backend=backend_named(spec), dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ensemble = Ensemble(
        model,
        seeds=[0, 0, 1, 1, 2, 2, 3, 3],
        learning_rate=[1e-4, 1e-3, 3e-3, 1e-2, 1e-3, 2e-3, 5e-3, 1e-3],
        weight_decay=[0, 0.1, 0, 0.01, 0.3, 0, 0, 0.1],
        l2=[0, 0, 1e-3, 1e-2, 0, 1e-4, 0, 1e-3],
        dropout=[0, 0.1, 0.2, 0.5, 0.1, 0, 0.3, 0.2],
        at_once=3,
    )
    folds = [generator(k, "folds").permutation(300)[: 100 if k % 3 else 85] for k in range(8)]
    held_out = images[300:], labels[300:]
    check(ensemble, images, labels, folds, epochs=3, batch_size=32, validation_data=held_out)


@pytest.mark.parametrize("spec", [each for each in SPECS if each.id != "emulated"])  # which would take half a minute
def test_on_each_backend(spec: str) -> None:
    model = small(spec, Adam(0.01, global_clipnorm=0.5), metrics=["mae", "r2"])
    check(Ensemble(model, 3, dropout=[0.0, 0.2, 0.5]), X, VALUES, epochs=2, batch_size=8, validation_split=0.2)


OPTIMIZERS = {
    "sgd": SGD(0.05),
    "momentum": SGD(0.05, momentum=0.9, clipvalue=0.01),
    "nesterov": SGD(0.05, momentum=0.9, nesterov=True, decay=0.1),
    "adam": partial(Adam, epsilon=1e-6)(0.01),
    "clipped": Adam(0.01, global_clipnorm=0.05),
    "adamw": AdamW(0.01),
    "adagrad": Adagrad(0.1, initial_accumulator_value=0.1),
    "adadelta": Adadelta(),
    "rmsprop": RMSprop(0.01, momentum=0.5, centered=True),
    "lion": Lion(0.01, weight_decay=0.1),
    "nadam": Nadam(0.01),
    "inverse": Adam(InverseTimeDecay(0.01, 0.1)),
    "exponential": SGD(ExponentialDecay(0.1, 0.5, 3)),
    "steps": SGD(StepDecay(0.1, every=2)),
    "cosine": SGD(CosineDecay(0.1, decay_steps=6, warmup_steps=3), momentum=0.5),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_and_schedules(name: str) -> None:
    ensemble = Ensemble(small(optimizer=OPTIMIZERS[name]), 3, learning_rate=[0.02, 0.005, 0.1])
    check(ensemble, X, VALUES, epochs=2, batch_size=8)


LOSSES = [
    ("mse", "linear", VALUES),
    ("half_sum_of_squares", "tanh", VALUES),
    ("mae", "linear", VALUES),
    ("huber", "linear", VALUES),
    ("binary_crossentropy", "sigmoid", (VALUES > 0) * 1.0),
    ("categorical_crossentropy", "softmax", np.eye(3)[LABELS]),
    ("sparse_categorical_crossentropy", "softmax", LABELS),
    ("multiclass_hinge", "linear", LABELS),
]


@pytest.mark.parametrize(("loss", "last", "y"), LOSSES)
def test_losses_metrics_and_weights(loss: str, last: str, y: np.ndarray) -> None:
    metrics = ["accuracy"] if loss != "multiclass_hinge" else []
    check(Ensemble(small(loss=loss, last=last, metrics=metrics), 2), X, y, epochs=2, batch_size=8)
    weight = DRAW.uniform(0.5, 2.0, size=len(X))
    ensemble = Ensemble(small(loss=loss, last=last, metrics=metrics), 2, l2=[0.01, 0.0])
    check(ensemble, X, y, epochs=2, batch_size=8, sample_weight=weight)


def test_class_weights_and_penalties_of_the_template() -> None:
    penalty = L1L2(0.01, 0.02)
    layers = [Input((5,)), Dense(4, "tanh", kernel_regularizer=penalty), Dense(3, "softmax")]
    model = Sequential(layers, backend="numpy", dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ensemble = Ensemble(model, 3, learning_rate=0.02)
    check(ensemble, X, LABELS, epochs=2, batch_size=8, class_weight={0: 2.0, 1: 0.5, 2: 1.0}, shuffle=False)


def test_l2_is_of_every_layer_that_can_have_a_regularizer() -> None:
    layers = [Input((5,)), Dense(4, "tanh", kernel_regularizer=L1L2(0.01, 0.02)), Dense(3)]
    model = Sequential(layers, backend="numpy", dtype="float64")
    model.compile("adam", "mse")
    ensemble = Ensemble(model, 2, l2=[0.1, 0.3])
    found = [[layer.kernel_regularizer for layer in member.network.graph.layers] for member in ensemble]  # type: ignore[attr-defined]
    assert [[(one.l1, one.l2) for one in of_model] for of_model in found] == [[(0.0, 0.1)] * 2, [(0.0, 0.3)] * 2]
    check(ensemble, X, VALUES, epochs=2, batch_size=8)


def test_members_by_index_and_in_their_order() -> None:
    ensemble = Ensemble(small(), 3, learning_rate=[0.1, 0.2, 0.3])
    assert [member.learning_rate for member in ensemble] == pytest.approx([0.1, 0.2, 0.3])
    assert ensemble[-1].learning_rate == pytest.approx(0.3)
    for k, member in enumerate(ensemble):
        require_equal_figures(dict(enumerate(ensemble[k].get_weights())), dict(enumerate(member.get_weights())), 0)


def test_a_member_trains_on_as_the_ensemble_does() -> None:
    ensemble = Ensemble(small(optimizer=Adam(CosineDecay(0.05, decay_steps=20))), 3, dropout=[0.1, 0.2, 0.3])
    ensemble.fit(X, VALUES, epochs=2, batch_size=8, verbose=0)
    before = [ensemble.member(k) for k in range(3)]
    ensemble.fit(X, VALUES, epochs=2, batch_size=8, verbose=0)
    for k, single in enumerate(before):
        single.fit(X, VALUES, epochs=2, batch_size=8, verbose=0)
        require_equal(ensemble.member(k), single, X)


def test_evaluate_is_that_of_each() -> None:
    ensemble = Ensemble(small(metrics=["mae"]), 5, l2=0.01, at_once=2)
    ensemble.fit(X, VALUES, epochs=1, verbose=0)
    for k, figures in enumerate(ensemble.evaluate(X, VALUES, batch_size=10, sample_weight=np.arange(23) + 1.0)):
        expected = ensemble.member(k).evaluate(X, VALUES, 10, sample_weight=np.arange(23) + 1.0, return_dict=True)
        require_equal_figures(figures, expected, 1e-12)
    assert ensemble.predict(X, batch_size=7).shape == (5, 23, 3)
