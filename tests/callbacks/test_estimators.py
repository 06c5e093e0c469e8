"""bpnet's callbacks in the estimators: their learning rate, and the weights that they end with."""

import numpy as np
import pytest

from bpnet import Callback, EarlyStopping, LambdaCallback, LearningRateScheduler, ReduceLROnPlateau
from bpnet.sklearn import MLPClassifier
from callbacks.scenes import X, Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"hidden_layer_sizes": (5,), "max_iter": 9, "random_state": 0, "learning_rate_init": 0.05, "batch_size": 20}


class Weights(Callback):
    """The first layer's after each epoch, of the model that the callback sees."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, epoch, logs):
        self.seen.append(self.model.get_weights()[0])


def fitted(*callbacks, **settings):
    return MLPClassifier(**{**QUICK, **settings}, callbacks=list(callbacks)).fit(X, Y)


@pytest.mark.parametrize(
    ("solver", "more"), [("adam", {}), ("lbfgs", {"max_iter": 50}), ("sgd", {"early_stopping": True})]
)
def test_the_best_weights_come_back(on, solver, more):
    """The mode is the wrong one, so that the first weights are the best."""
    weights = Weights()
    stopping = EarlyStopping("loss", mode="max", patience=3, restore_best_weights=True)
    est = fitted(weights, stopping, solver=solver, backend=on, **more)
    assert (stopping.best_epoch, stopping.stopped_epoch, est.n_iter_) == (0, 3, 4)
    np.testing.assert_array_equal(est.coefs_[0], weights.seen[0])
    assert not np.array_equal(weights.seen[0], weights.seen[-1])


def test_held_out_scores_are_known_and_larger_ones_are_better():
    stopping = EarlyStopping("val_score", patience=2)
    est = fitted(stopping, early_stopping=True, max_iter=60, validation_fraction=0.3, n_iter_no_change=50)
    assert stopping.best == est.best_validation_score_
    assert stopping.best_epoch == int(np.argmax(est.validation_scores_))
    with pytest.raises(ValueError, match=r"'val_score' is unknown\. .*Known: loss"):
        fitted(EarlyStopping("val_score"))


def test_the_scheduler_sets_the_estimators_rate(on):
    """The same as fits that go on exactly, with these rates."""
    rates, seen = [0.05, 0.2, 0.01], []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(scheduler.model.learning_rate))
    scheduler = LearningRateScheduler(lambda epoch, rate: rates[epoch])
    at_once = fitted(scheduler, watch, max_iter=3, backend=on)
    apart = MLPClassifier(**{**QUICK, "max_iter": 1}, warm_start="exact", backend=on)
    for rate in rates:
        if hasattr(apart, "_optimizer"):
            apart._optimizer.set_rate(rate)
        apart.fit(X, Y)
    assert seen == rates
    for ours, theirs in zip(at_once.coefs_, apart.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_plateau_lowers_it():
    plateau = ReduceLROnPlateau("loss", factor=0.5, mode="max", patience=1)
    est = fitted(plateau, max_iter=4)
    assert est._optimizer.learning_rate == 0.05 / 8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "lbfgs"}, "ReduceLROnPlateau: learning_rate: LBFGS has none"),
        ({"solver": "sgd", "learning_rate": "invscaling"}, "ReduceLROnPlateau: learning_rate: 'invscaling' sets it"),
    ],
)
def test_where_nobody_can_set_it(settings, message):
    with pytest.raises(ValueError, match=message):
        fitted(ReduceLROnPlateau("loss"), **settings)
