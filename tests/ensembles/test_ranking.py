"""Candidates are judged at their best epoch; those that diverged come last."""

from math import inf, nan

import pytest

from bpnet import Dense, Input, Sequential
from bpnet.ensembles.ranking import Ranking, ranked, ranking, trial_of
from bpnet.ensembles.space import Candidate
from bpnet.training.history import History

ACCURACY, LOSS = Ranking("accuracy", True), Ranking("loss", False)


def history(accuracy, val_loss, loss=None, **settings):
    lists = {"loss": loss or [1.0] * len(val_loss), "val_loss": val_loss, "val_accuracy": accuracy}
    return History(list(range(len(val_loss))), lists, **settings)


def trial(number, accuracy, val_loss, by=ACCURACY, **settings):
    return trial_of(Candidate(number, 0, {}), [history(accuracy, val_loss, **settings)], by)


def test_the_best_epoch_counts_and_among_equals_the_one_of_the_least_loss():
    found = trial(0, [0.5, 0.9, 0.9, 0.8], [3.0, 2.0, 1.0, 0.5])
    assert (found.figure, found.epoch, found.epochs) == (0.9, 3, 4)
    assert found.figures == {"loss": 1.0, "accuracy": 0.9}
    assert trial(0, [0.5, 0.9, 0.9, 0.8], [3.0, 2.0, 1.0, 0.5], LOSS).epoch == 4


def test_of_folds_the_mean_has_a_best_epoch():
    told = [history([0.9, 0.5, 0.7], [1.0] * 3), history([0.1, 0.7, 0.8], [1.0] * 3)]
    found = trial_of(Candidate(0, 0, {}), told, ACCURACY)
    assert (found.figure, found.epoch, found.folds) == (pytest.approx(0.75), 3, (0.7, 0.8))


def test_the_order():
    found = ranked(
        [
            trial(0, [0.7], [1.0]),
            trial(1, [0.99, nan], [0.1, nan]),
            trial(2, [0.9], [0.5]),
            trial(3, [0.9], [0.4]),
            trial(4, [0.9], [0.4]),
            trial(5, [nan], [nan]),
            trial(6, [0.95], [0.1], diverged=True),
        ],
        ACCURACY,
    )
    assert [one.candidate.number for one in found] == [3, 4, 2, 0, 1, 6, 5]
    assert [one.diverged for one in found] == [False] * 4 + [True] * 3
    losses = [trial(0, [0.7], [1.0], LOSS), trial(1, [0.1], [0.5], LOSS), trial(2, [0.7], [inf], LOSS)]
    assert [one.candidate.number for one in ranked(losses, LOSS)] == [1, 0, 2]


def test_an_infinite_loss_in_training_is_told():
    assert trial(0, [0.5, 0.6], [1.0, 1.0], loss=[1.0, inf]).diverged


def test_without_an_epoch_there_is_no_figure():
    found = trial_of(Candidate(0, 0, {}), [History(interrupted=True)], ACCURACY)
    assert (found.epoch, found.epochs, found.diverged) == (0, 0, False)


def model(loss="mse", metrics=()):
    made = Sequential([Input((2,)), Dense(1)], backend="numpy")
    made.compile("sgd", loss, list(metrics))
    return made


def test_the_metric_ranks_or_the_loss():
    assert ranking(model(metrics=["r2"]), None) == Ranking("r2", True)
    assert ranking(model(metrics=["mae"]), None) == Ranking("mae", False)
    assert ranking(model(), None) == Ranking("loss", False)
    assert ranking(model(metrics=["r2"]), "val_loss") == Ranking("loss", False)
    with pytest.raises(ValueError, match=r"--rank-by: 'accuracy' is unknown.*Known: loss, r2"):
        ranking(model(metrics=["r2"]), "accuracy", "--rank-by")
