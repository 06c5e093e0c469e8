"""Several steps a call, where the backend can: the same run, in groups between which Ctrl-C is looked at."""

import numpy as np
import pytest

from bpnet import SGD, Adam, Callback, Dense, Dropout, Input, Sequential, TrainingDivergedError
from bpnet.callbacks.progress import ProgressBar
from bpnet.training.repeating import TOGETHER, groups
from terminal import terminal
from training.recorder import Recorder, ctrl_c

RNG = np.random.default_rng(3)
ROWS = 2 * 150 + 1
X, Y = RNG.normal(size=(ROWS, 4)), RNG.integers(0, 3, ROWS)


class Batches(Callback):
    def __init__(self):
        self.seen = []

    def on_batch_end(self, batch, samples):
        self.seen.append((batch, samples))


class Groups(Batches):
    in_groups = True


def model(backend, optimizer=None):
    layers = [Input((4,)), Dense(5, "relu"), Dropout(0.2), Dense(3, "softmax")]
    made = Sequential(layers, backend=backend, dtype="float64")
    made.compile(optimizer or Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    return made


def fitted(backend, callbacks=(), **settings):
    made = model(backend)
    made.fit(X, Y, **{"batch_size": 2, "epochs": 2, "verbose": 0, "callbacks": list(callbacks)} | settings)
    return made


def test_sizes_that_follow_one_another_are_grouped():
    assert list(groups([8] * 150 + [3], together=True)) == [(8, 64), (8, 64), (8, 22), (3, 1)]
    assert list(groups([8, 8, 3], together=False)) == [(8, 1), (8, 1), (3, 1)]
    assert list(groups([8] * 64, together=True)) == [(8, 64)]


def test_an_epoch_is_a_few_calls_and_the_last_smaller_batch_is_one():
    """The very first step is a call of its own: it takes the memory for all."""
    backend = Recorder()
    fitted(backend)
    assert backend.groups() == [1, 63, 64, 22, 1, 64, 64, 22, 1]


def test_the_same_run_as_step_by_step():
    grouped, single, plain = fitted(Recorder()), fitted(Recorder(repeats=False)), fitted("numpy")
    for other in (single, plain):
        assert grouped.history.history == other.history.history
        for ours, theirs in zip(grouped.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert single.backend.groups() == [1] * 302


@pytest.mark.parametrize("watch", [Batches(), Callback()])
def test_who_overrides_on_batch_end_is_told_of_every_batch(watch):
    backend = Recorder()
    if not isinstance(watch, Batches):
        told = Batches()
        watch.on_batch_end = told.on_batch_end  # of the object alone
    fitted(backend, [watch, Groups()], epochs=1)
    assert backend.groups() == [1] * 151
    seen = watch.seen if isinstance(watch, Batches) else told.seen
    assert seen == [(batch, 2) for batch in range(150)] + [(150, 1)]


def test_who_is_content_with_groups_is_told_of_the_last_batch_and_of_all_samples():
    backend, watch = Recorder(), Groups()
    fitted(backend, [watch, Callback()], epochs=1)
    assert watch.seen == [(63, 128), (127, 128), (149, 44), (150, 1)]


def test_the_bar_does_not_slow_training_and_counts_all_samples(monkeypatch):
    counted, screen = [], terminal(monkeypatch)
    told = ProgressBar.on_batch_end
    monkeypatch.setattr(
        ProgressBar, "on_batch_end", lambda bar, batch, samples: counted.append(samples) or told(bar, batch, samples)
    )
    backend = Recorder()
    fitted(backend, verbose=1)
    assert backend.groups() == [1, 63, 64, 22, 1, 64, 64, 22, 1]
    assert sum(counted) == 2 * ROWS
    assert "epoch 2/2" in screen.getvalue()


def test_ctrl_c_in_a_group_ends_training_after_it():
    backend = Recorder()
    backend.after[6] = ctrl_c  # the second group of the second epoch
    made = fitted(backend, epochs=9)
    assert made.history.interrupted
    assert made.history.epoch == [0]
    assert backend.groups() == [1, 63, 64, 22, 1, 64, 64]
    assert float(made.bind()[1].t) == 151 + 2 * TOGETHER


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
@pytest.mark.parametrize("repeats", [True, False])
def test_a_divergence_in_a_group_names_its_batch(repeats):
    """A step multiplies w by 1 - 0.2 x². From batch 101, where w is about 1e-10, x is 1e40: losses 1e60, 1e219, inf."""
    x = np.ones((200, 1))
    x[100:] = 1e40
    made = Sequential([Input((1,)), Dense(1, use_bias=False)], backend=Recorder(repeats), dtype="float64")
    made.compile(SGD(0.1), "mse")
    with pytest.raises(TrainingDivergedError, match=r"epoch 1, batch 103\.") as caught:
        made.fit(x, np.zeros(200), batch_size=1, shuffle=False, verbose=0)
    assert caught.value.batch == 103


def test_validation_is_grouped_too():
    backend = Recorder()
    fitted(backend, epochs=1, validation_data=(np.tile(X, (10, 1)), np.tile(Y, 10)))
    measured = [times for times, name in backend.calls if name.startswith("Measurement")]
    assert measured == [2, 1]  # 3,010 rows: 1,024 twice, and 962
