"""A search in Python: what each candidate is trained on, what becomes of the best, and what ends it early."""

import os
import signal

import numpy as np
import pytest

from bpnet import Concatenate, Dense, Dropout, Ensemble, Input, Model, Sequential
from bpnet.ensembles import search, searching
from bpnet.ensembles.at_once import stack_of
from bpnet.ensembles.stack import StackRun
from bpnet.ensembles.telling import best_table, csv_text, summary
from bpnet.training.stacked import StackedTraining

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(90, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + 2 * (X[:, 2] > 0.5)
QUICK = {"epochs": 3, "batch_size": 16, "verbose": 0}


def net(*units, dropout=0.0, seed=0):
    hidden = [layer for n in units for layer in (Dense(n, "tanh"), *([Dropout(dropout)] if dropout else []))]
    model = Sequential([Input((4,)), *hidden, Dense(4, "softmax")], backend="numpy", dtype="float64", seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def test_the_best_network_is_what_its_own_run_gives():
    found = search(
        net(6), X, Y, models=5, learning_rate="1e-3:1", seeds="0:3", validation_data=(X[60:], Y[60:]), **QUICK
    )
    best = found.best
    own = net(6, seed=best.candidate.settings["seed"])
    own.learning_rate = best.candidate.settings["learning_rate"]
    own.fit(X, Y, 16, best.epoch, 0, validation_data=(X[60:], Y[60:]))
    assert best.figure == max(trial.figure for trial in found.trials)
    assert own.history.history["val_accuracy"][-1] == best.figure
    for mine, theirs in zip(own.get_weights(), found.model.get_weights(), strict=True):
        np.testing.assert_allclose(theirs, mine, rtol=0, atol=1e-10)  # a stack sums in another order
    assert found.history.epoch == list(range(best.epoch))


def test_a_best_epoch_before_the_last_is_trained_again_to_the_same_bits():
    """At such a rate the last bits of a float32 decide where a run goes."""
    model = Sequential([Input((4,)), Dense(16, "tanh"), Dense(4, "softmax")], dtype="float32")
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    judged = X[60:], Y[60:]
    found = search(model, X, Y, models=7, learning_rate="0.3:1", validation_data=judged, epochs=9, batch_size=4,
                   rank_by="loss", verbose=0)  # fmt: skip
    assert found.again
    assert found.best.epoch < 9
    assert found.history.history["val_loss"][-1] == found.best.figure
    assert found.model.evaluate(*judged)[0] == pytest.approx(found.best.figure, rel=1e-5)


def test_the_rows_that_judge_are_not_learned_from(monkeypatch):
    seen = []
    fit = searching.Ensemble.fit

    def spied(self, x, y, *rest, validation_data, **settings):
        seen.append((x, validation_data[0]))
        return fit(self, x, y, *rest, validation_data=validation_data, **settings)

    monkeypatch.setattr(searching.Ensemble, "fit", spied)
    search(net(3), X, Y, models=2, learning_rate="1e-3:1", validation=0.3, **QUICK)
    learned, judged = seen[0]
    assert len(learned) + len(judged) == len(X)
    assert len(np.unique(np.concatenate([learned, judged]), axis=0)) == len(X)
    assert len(judged) == 27


def test_with_folds_each_row_judges_once_and_the_best_learns_from_all():
    found = search(net(3), X, Y, models=3, learning_rate="1e-2:1", folds=3, **QUICK)
    assert all(len(trial.folds) == 3 for trial in found.trials)
    assert found.best.figure == pytest.approx(np.mean(found.best.folds), abs=1e-12)
    own = net(3)
    own.learning_rate = found.best.candidate.settings["learning_rate"]
    own.fit(X, Y, 16, found.best.epoch, 0)
    np.testing.assert_allclose(found.model.get_weights()[0], own.get_weights()[0], rtol=0, atol=1e-10)
    assert "spread over folds" in best_table(found)
    assert csv_text(found).splitlines()[0].count("accuracy of fold") == 3


def test_architectures_and_batch_sizes_are_groups():
    found = search({"small": net(2), "large": net(9)}, X, Y, models=8, learning_rate="1e-3:1", epochs=1,
                   batch_size=[8, 32], verbose=0)  # fmt: skip
    kinds = {(one.candidate.settings["model"], one.candidate.settings["batch_size"]) for one in found.trials}
    assert kinds == {("small", 8), ("small", 32), ("large", 8), ("large", 32)}
    units = {"small": 2, "large": 9}[found.best.candidate.settings["model"]]
    assert found.model.get_weights()[0].shape == (4, units)
    assert found.space.searched == ["model", "batch_size", "learning_rate"]


def test_dropout_decay_and_l2_reach_the_networks():
    found = search(net(6, dropout=0.5), X, Y, models=1, learning_rate=0.1, dropout=0.25, l2=0.01, weight_decay=0.001,
                   **QUICK)  # fmt: skip
    rates = [layer.rate for layer in found.model.network.graph.layers if isinstance(layer, Dropout)]
    assert rates == [0.25]
    assert found.model.optimizer.weight_decay == 0.001
    assert found.model.network.graph.layers[0].kernel_regularizer.l2 == 0.01


def test_several_inputs_and_weights():
    left, right = Input((2,), name="left"), Input((2,), name="right")
    model = Model([left, right], Dense(1)(Concatenate()([left, right])), backend="numpy")
    model.compile("sgd", "mse", ["r2"])
    found = search(model, {"left": X[:, :2], "right": X[:, 2:]}, X[:, 0], models=3, learning_rate="1e-3:1e-1",
                   sample_weight=np.ones(90), **QUICK)  # fmt: skip
    assert found.by.figure == "r2"
    assert found.model.predict([X[:, :2], X[:, 2:]]).shape == (90, 1)


@pytest.mark.parametrize("together", [2, 64])
def test_ctrl_c_keeps_what_has_been_trained(monkeypatch, together):
    calls, fit = [], searching.Ensemble.fit

    def pressed(self, *arguments, **settings):
        calls.append(1)
        if together == 2 and len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)  # between two stacks: nothing of the second one is there
        return fit(self, *arguments, **settings)

    monkeypatch.setattr(searching.Ensemble, "fit", pressed)
    monkeypatch.setattr(searching, "TOGETHER", together)
    found = search(net(3), X, Y, models=6, learning_rate="1e-3:1", **QUICK)
    assert (len(found.trials), found.interrupted) == ((2, True) if together == 2 else (6, False))
    assert found.model is not None
    assert summary(found).startswith("2 of 6 candidates in" if together == 2 else "6 candidates in")


@pytest.mark.parametrize(("epoch", "trained"), [(5, 2), (6, 3)])
def test_ctrl_c_within_a_stack_keeps_its_epochs(monkeypatch, epoch, trained):
    calls, step = [], StackedTraining.epoch

    def pressed(self, order):
        calls.append(1)
        if len(calls) == epoch:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, order)

    monkeypatch.setattr(StackedTraining, "epoch", pressed)
    monkeypatch.setattr(searching, "TOGETHER", 3)
    found = search(net(3), X, Y, models=9, learning_rate="1e-3:1", **QUICK)
    assert found.interrupted
    assert sorted(trial.epochs for trial in found.trials) == [trained] * 3 + [3] * 3


def test_a_search_without_an_epoch_is_an_interrupt(monkeypatch):
    def pressed(self, *arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(searching.Ensemble, "fit", pressed)
    with pytest.raises(KeyboardInterrupt):
        search(net(3), X, Y, models=6, learning_rate="1e-3:1", **QUICK)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_some_diverge_and_where_all_do_it_is_an_error():
    line = Sequential([Input((4,)), Dense(1)], backend="numpy")
    line.compile("sgd", "mse")
    found = search(line, X, X[:, 0], models=2, learning_rate=[0.01, 1e30], **QUICK)
    assert found.diverged == 1
    assert [trial.diverged for trial in found.trials] == [False, True]
    assert csv_text(found).splitlines()[-1].endswith("true")
    with pytest.raises(RuntimeError, match="all 2 candidates became NaN or infinite"):
        search(line, X, X[:, 0], models=2, learning_rate=[1e31, 1e30], **QUICK)


def test_a_figure_that_says_nothing_is_not_taken_for_divergence():
    line = Sequential([Input((4,)), Dense(1)], backend="numpy", dtype="float64")
    line.compile("sgd", "mse", ["r2"])
    with pytest.raises(RuntimeError, match="r2: it is no finite number on the rows that judge, though the loss is"):
        search(line, X, X[:, :1], models=2, learning_rate=[0.1, 0.01], validation_data=(X[:1], X[:1, :1]), **QUICK)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": "1:0.1"}, "learning_rate: '1:0.1' was given"),
        ({"dropout": "0:0.5"}, "dropout: it was given, but the network has no Dropout layer"),
        ({"models": 0}, "models: 0 was given"),
        ({"folds": 1}, "folds: 1 was given"),
        ({"folds": 3, "validation_data": (X, Y)}, "validation_data: it was given with folds"),
        ({"folds": 91}, "folds: 91 was given for 90 rows"),
        ({"validation": 1.0}, "validation: 1.0 was given"),
        ({"batch_size": [16, 0]}, "batch_size: .* was given"),
        ({"rank_by": "r2"}, "rank_by: 'r2' is unknown"),
    ],
)
def test_what_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        search(net(3), X, Y, **{"models": 2, "learning_rate": 0.1, **QUICK, **settings})


def test_a_refit_learns_from_the_rows_that_judged_too():
    found = search(net(3), X, Y, models=2, learning_rate="1e-2:1", refit=True, **QUICK)
    own = net(3)
    own.learning_rate = found.best.candidate.settings["learning_rate"]
    own.fit(X, Y, 16, found.best.epoch, 0)
    np.testing.assert_allclose(found.model.get_weights()[0], own.get_weights()[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("models", "at_once"), [(10, 4), (11, 8), (7, 7), (5, 1)])
def test_the_stack_of_a_candidate_is_the_one_it_was_trained_in(monkeypatch, models, at_once):
    seen = []
    run = StackRun.run

    def spied(self, numbers, members, *rest):
        seen.append(list(members))
        return run(self, numbers, members, *rest)

    monkeypatch.setattr(StackRun, "run", spied)
    Ensemble(net(6), models, at_once=at_once).fit(X, Y, verbose=0)
    assert [next(one for one in seen if k in one) for k in range(models)] == [
        list(stack_of(k, models, at_once)) for k in range(models)
    ]


def test_only_layers_that_a_stack_gives_rates_to_have_them():
    class Own(Dropout):
        """A rate that its own code minds."""

    model = Sequential([Input((4,)), Dense(5), Dropout(0.1), Own(0.3), Dense(2)])
    model.compile("sgd", "mse")
    layers = Ensemble(model, 2, dropout=[0.5, 0.6]).member(0).network.graph.layers
    assert [layer.rate for layer in layers if isinstance(layer, Dropout)] == [0.5, 0.3]
