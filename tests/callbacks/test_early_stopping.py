"""When it stops, and what the model has then."""

from math import inf, nan

import numpy as np
import pytest

from bpnet import Callback, EarlyStopping, ImageDataGenerator, LambdaCallback, LearningRateScheduler
from bpnet.nn.metrics import MeanMetric
from bpnet.training.callbacks import told
from callbacks.scenes import FIGURES, Rated, X, Y, model, through_a_file, told_values

DECISIONS = {
    # settings, the figures, the epoch that stops (0: none), the best, its epoch
    "at once": ({}, [3, 2, 2.5, 1], 2, 2, 1),
    "equal is no improvement": ({}, [3, 3, 1], 1, 3, 0),
    "patience": ({"patience": 2}, [3, 2, 2, 2, 1], 3, 2, 1),
    "the count begins anew": ({"patience": 2}, [3, 4, 2, 3, 1, 2, 2], 6, 1, 4),
    "too small a gain": ({"patience": 2, "min_delta": 0.5}, [3, 2.6, 2.4, 2.4, 2], 4, 2.4, 2),
    "larger is better": ({"monitor": "val_accuracy", "patience": 2}, [0.5, 0.7, 0.6, 0.7, 0.9], 3, 0.7, 1),
    "max, asked for": ({"mode": "max"}, [1, 2, 3, 2], 3, 3, 2),
    "gains above a baseline do not stop": ({"patience": 2, "baseline": 1}, [3, 2, 1.5, 1.2, 1.3], 4, 1.2, 3),
    "nor begin the count anew": ({"patience": 2, "baseline": 1}, [3, 2, 2.5], 2, 2, 1),
    "but below it they do": ({"patience": 2, "baseline": 1}, [3, 0.9, 0.95, 0.8, 0.8, 0.8], 5, 0.8, 3),
    "a later start": ({"patience": 1, "start_from_epoch": 2}, [1, 1, 3, 2, 2.5], 4, 2, 3),
    "not a number is never better": ({"patience": 2}, [2, nan, 1, nan, nan, 0], 4, 1, 2),
    "nor the first time": ({}, [nan, nan, 1], 1, inf, 0),
    "no reason to stop": ({"patience": 3}, [3, 4, 4, 2], 0, 2, 3),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_decisions(case):
    settings, values, stops, best, best_epoch = DECISIONS[case]
    stopping = EarlyStopping(**settings)
    for _ in range(2):  # a callback may be used again
        told_values(stopping, stopping.monitor, values)
        assert (stopping.stopped_epoch, stopping.best, stopping.best_epoch) == (stops, best, best_epoch)


@pytest.mark.parametrize("case", DECISIONS)
def test_a_resumed_run_decides_the_same(case):
    """Wherever the run is cut, a new callback that takes the state over comes to the same end."""
    settings, values, stops, best, best_epoch = DECISIONS[case]
    for cut in range(1, stops or len(values)):
        first, second = EarlyStopping(**settings), EarlyStopping(**settings)
        told_values(first, first.monitor, values[:cut])
        state = through_a_file(first.state())
        second_model = Rated()
        with told([second], second_model, len(values), 1, FIGURES):
            second.restore(state)
            for epoch in range(cut, len(values)):
                second.on_epoch_end(epoch, {second.monitor: values[epoch]})
                if second_model.stop_training:
                    break
        assert (second.stopped_epoch, second.best, second.best_epoch) == (stops, best, best_epoch)


def test_a_run_that_had_ended_stays_so_when_it_is_resumed():
    first, second, resumed = EarlyStopping(), EarlyStopping(), Rated()
    told_values(first, "val_loss", [1, 2])
    with told([second], resumed, 9, 1, FIGURES):
        second.restore(through_a_file(first.state()))
        assert resumed.stop_training


class Weights(Callback):
    """What the model has after each epoch."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, epoch, logs):
        self.seen.append(self.model.get_weights())


def same(a, b):
    return all(np.array_equal(left, right) for left, right in zip(a, b, strict=True))


WORSE = LearningRateScheduler(lambda epoch, rate: 0.1 if epoch < 3 else 30.0)
"""After the third epoch the model unlearns."""


@pytest.mark.parametrize("wanted", [True, False])
def test_the_best_weights_and_statistics_come_back(on, wanted):
    trained, weights = model(on), Weights()
    stopping = EarlyStopping("loss", patience=2, restore_best_weights=wanted)
    history = trained.fit(X, Y, 20, 9, 0, [WORSE, weights, stopping])
    assert stopping.best_epoch == int(np.argmin(history.history["loss"])) < stopping.stopped_epoch < 8
    assert stopping.best == min(history.history["loss"])
    kept = weights.seen[stopping.best_epoch if wanted else -1]
    assert same(trained.get_weights(), kept)
    assert not any(
        np.array_equal(a, b) for a, b in zip(weights.seen[stopping.best_epoch], weights.seen[-1], strict=True)
    )


def test_they_come_back_where_training_was_not_stopped_and_after_ctrl_c_too():
    def interrupt(epoch, logs):
        if epoch == 5:
            raise KeyboardInterrupt

    for other in (LambdaCallback(), LambdaCallback(on_epoch_end=interrupt)):
        trained, weights, stopping = model(), Weights(), EarlyStopping("loss", patience=99, restore_best_weights=True)
        try:
            trained.fit(X, Y, 20, 7, 0, [WORSE, weights, stopping, other])
        except KeyboardInterrupt:
            assert len(weights.seen) == 6
        assert stopping.stopped_epoch == 0
        assert stopping.best_epoch < 4
        assert same(trained.get_weights(), weights.seen[stopping.best_epoch])


def test_the_best_weights_travel_in_the_state(on):
    """A second callback, on a model with other weights, brings back what the first one kept."""
    trained, weights = model(on, dtype="float32"), Weights()
    stopping = EarlyStopping("loss", restore_best_weights=True)
    trained.fit(X, Y, 20, 2, 0, [weights, stopping])
    state, other = through_a_file(stopping.state()), model(on, dtype="float32")
    again = EarlyStopping("loss", restore_best_weights=True)
    with told([again], other, 3, 60, FIGURES):
        again.restore(state)
    assert stopping.best_epoch == 1
    assert same(other.get_weights(), weights.seen[1])


def test_lbfgs_gets_its_best_weights_back():
    trained, weights = model(optimizer="lbfgs"), Weights()
    stopping = EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    history = trained.fit(X, Y, epochs=40, verbose=0, validation_split=0.5, callbacks=[weights, stopping])
    assert stopping.best_epoch + 3 == stopping.stopped_epoch == len(history.epoch) - 1, "it overfits"
    assert same(trained.get_weights(), weights.seen[stopping.best_epoch])


def test_so_does_a_flow_of_images(on):
    from bpnet import Dense, Flatten, Input, Sequential

    images = X.reshape(-1, 2, 2, 1)
    trained, weights = Sequential([Input((2, 2, 1)), Flatten(), Dense(2, "softmax")], backend=on), Weights()
    trained.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    stopping = EarlyStopping("accuracy", patience=2, restore_best_weights=True)
    flow = ImageDataGenerator().flow(images, Y, 20)
    history = trained.fit(flow, epochs=30, verbose=0, callbacks=[WORSE, weights, stopping])
    assert stopping.best_epoch == int(np.argmax(history.history["accuracy"]))
    assert same(trained.get_weights(), weights.seen[stopping.best_epoch])


class Distance(MeanMetric):
    name = "distance"

    def values(self, xp, y, p):
        return p[:, 0]


BAD = {
    "a typing error": (
        {"monitor": "val_acuracy"},
        r"EarlyStopping: the monitor: 'val_acuracy' .*'val_accuracy'\? Known: loss",
    ),
    "nothing held out": ({}, "EarlyStopping: the monitor 'val_loss' .*validation_data.*monitor='loss'"),
    "no direction": ({"monitor": "distance"}, "mode 'auto' .*'distance' does not say .*mode='max'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_said_before_training(case):
    settings, message = BAD[case]
    trained = model()
    trained.compile("sgd", "sparse_categorical_crossentropy", ["accuracy", Distance()])
    before = trained.get_weights()
    held_out = {} if case == "nothing held out" else {"validation_split": 0.2}
    with pytest.raises(ValueError, match=message):
        trained.fit(X, Y, verbose=0, callbacks=[EarlyStopping(**settings)], **held_out)
    assert same(trained.get_weights(), before)
    if case == "no direction":
        trained.fit(X, Y, verbose=0, callbacks=[EarlyStopping("distance", mode="min")])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": -1}, "patience: -1 was given, expected a whole number from 0"),
        ({"patience": 1.5}, r"patience: 1\.5"),
        ({"min_delta": -0.1}, r"min_delta: -0\.1 was given"),
        ({"mode": "up"}, "mode: 'up' was given, expected 'auto', 'min' or 'max'"),
        ({"baseline": nan}, "baseline: nan"),
        ({"start_from_epoch": -1}, "start_from_epoch: -1"),
        ({"restore_best_weights": "yes"}, "restore_best_weights: 'yes'"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**settings)
