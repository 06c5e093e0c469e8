"""A model of a stack that diverges ends as a single one does, and the others do not notice."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet import SGD, Dense, Dropout, Input, Model, Sequential, TrainingDivergedError
from bpnet.ensembles.ensemble import Ensemble
from bpnet.training import interrupt
from bpnet.training.stacked import StackedTraining
from ensembles.alone import require_equal, singles, vectors

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(50, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3


def template(dtype: str = "float64") -> Model:
    model = Sequential([Input((4,)), Dense(3), Dropout(0.2), Dense(1)], backend="numpy", dtype=dtype)
    model.compile(SGD(0.01), "mse")
    return model


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")  # of the single run
@pytest.mark.parametrize(
    ("rate", "batch_size", "epochs", "dtype"),
    [
        (1e18, 10, 3, "float32"),  # within an epoch
        (20.0, 10, 20, "float64"),  # after some epochs
        (1e25, 50, 5, "float32"),  # at once in the epoch after
        (1e12, 50, 1, "float32"),  # the last update of a run
    ],
)
def test_it_ends_as_a_single_one(rate: float, batch_size: int, epochs: int, dtype: str) -> None:
    how: dict[str, Any] = {"batch_size": batch_size, "epochs": epochs}
    ensemble = Ensemble(template(dtype), 3, learning_rate=[0.01, rate, 0.02])
    alone = ensemble.member(1)
    with pytest.raises(TrainingDivergedError) as caught:
        alone.fit(X, Y, verbose=0, **how)
    first, _, last = singles(Ensemble(template(dtype), 3, learning_rate=[0.01, 1e-3, 0.02]), X, Y, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        histories = ensemble.fit(X, Y, verbose=0, **how)
    assert [history.diverged for history in histories] == [False, True, False]
    assert [history.interrupted for history in histories] == [False] * 3
    assert histories[1].message == str(caught.value)
    assert histories[1].epoch == caught.value.history.epoch
    assert list(histories[1].history) == list(caught.value.history.history)
    for own, expected in zip(vectors(ensemble.member(1)), vectors(alone), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-5)
    assert ensemble.member(1).epochs_seen == alone.epochs_seen
    require_equal(ensemble.member(0), first, X)
    require_equal(ensemble.member(2), last, X)


def test_a_sweep_with_rates_that_diverge_in_the_first_epoch_is_told_as_the_page_does(capsys: Any) -> None:
    page = Path(bpnet.__file__).parent / "docs" / "ensembles.md"
    loop = re.search(r"^for history in histories:\n(?:    .*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert loop
    ensemble = Ensemble(template("float32"), 3, learning_rate=[1e-2, 1e30, 1e-3])
    histories = ensemble.fit(X, Y, batch_size=10, verbose=0)
    for history in (histories[0], histories[2]):
        history.history["val_accuracy"] = history.history["loss"]
    exec(loop[0], {"histories": histories})
    first, second, third = capsys.readouterr().out.splitlines()
    assert "the loss became NaN or infinite in epoch 1" in second
    assert [float(first.split()[0]), float(third.split()[0])] == [histories[k].history["loss"][-1] for k in (0, 2)]
    assert all(np.isfinite(figures["loss"]) for figures in ensemble.evaluate(X, Y))


def test_where_all_diverge_training_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    epoch = StackedTraining.epoch
    monkeypatch.setattr(StackedTraining, "epoch", lambda *given: called.append(0) or epoch(*given))
    histories = Ensemble(template("float32"), 2, learning_rate=1e30).fit(X, Y, epochs=50, verbose=0)
    assert all(history.diverged for history in histories)
    assert len(called) < 3


def test_ctrl_c_keeps_what_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes in the second epoch of the second of three stacks."""
    held: list[Any] = []
    begin = interrupt.InterruptAfterStep.__enter__
    monkeypatch.setattr(interrupt.InterruptAfterStep, "__enter__", lambda self: held.append(self) or begin(self))
    epoch, calls = StackedTraining.epoch, []

    def counted(*given: Any) -> Any:
        calls.append(0)
        held[0].requested = len(calls) == 5
        return epoch(*given)

    monkeypatch.setattr(StackedTraining, "epoch", counted)
    ensemble = Ensemble(template(), 6, at_once=2)
    histories = ensemble.fit(X, Y, epochs=3, verbose=0)
    monkeypatch.undo()
    assert [len(history.epoch) for history in histories] == [3, 3, 2, 2, 0, 0]
    assert [history.interrupted for history in histories] == [False, False, True, True, True, True]
    for k, epochs in ((1, 3), (2, 2)):
        expected = Ensemble(template(), 6).member(k)
        expected.fit(X, Y, epochs=epochs, verbose=0)
        require_equal(ensemble.member(k), expected, X)
    ensemble.fit(X, Y, epochs=1, verbose=0)
    assert [ensemble.member(k).epochs_seen for k in range(6)] == [4, 4, 3, 3, 1, 1]


@pytest.mark.parametrize("most", [1, 2])
def test_a_stack_that_does_not_fit_is_halved(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = StackedTraining.epoch

    def scarce(self: StackedTraining, order: Any) -> Any:
        if order.shape[0] > most:
            raise MemoryError("Unable to allocate")
        return epoch(self, order)

    monkeypatch.setattr(StackedTraining, "epoch", scarce)
    ensemble = Ensemble(template(), 5)
    ensemble.fit(X, Y, epochs=2, verbose=0)
    assert ensemble.at_once == most
    for k, single in enumerate(singles(Ensemble(template(), 5), X, Y, epochs=2)):
        require_equal(ensemble.member(k), single, X)
