"""Several callbacks of one kind in a run that is stopped and resumed, and callbacks that are not those of the run."""

import numpy as np
import pytest

from bpnet import Callback, Dense, EarlyStopping, Input, ModelCheckpoint, ReduceLROnPlateau, Sequential
from bpnet.formats.container import read
from checkpoints.runs import Stop, StoppedError, assert_same, outcome

RNG = np.random.default_rng(12)
X, Y = RNG.normal(size=(40, 5)), RNG.normal(size=40)


def run(epochs, *callbacks, seed=0, **settings):
    made = Sequential([Input((5,)), Dense(4, "tanh"), Dense(1)], backend="numpy", seed=seed)
    made.compile("adam", "mse", ["mae"])
    made.fit(X, Y, 8, epochs, verbose=0, callbacks=list(callbacks), validation_split=0.2, **settings)
    return made


class Says(Callback):
    """Other figures than those that were found."""

    steers = False

    def __init__(self, order=99, **figures):
        self.order, self.figures_said = order, figures

    def on_epoch_end(self, epoch, logs):
        logs |= {name: values[epoch] for name, values in self.figures_said.items()}


def epochs_of(path):
    return len(read(path).facts["history"]["epoch"])


def test_two_that_bring_their_best_weights_back_go_on_from_the_last_ones(tmp_path):
    def both():
        return [
            EarlyStopping("loss", mode="max", patience=9, restore_best_weights=True),
            EarlyStopping("val_loss", mode="max", patience=9, restore_best_weights=True),
        ]

    run(3, *both(), ModelCheckpoint(tmp_path))
    resumed = run(6, *both(), ModelCheckpoint(tmp_path), resume=tmp_path)
    assert_same(outcome(resumed), outcome(run(6, *both())))


@pytest.mark.parametrize("first", ["a", "b"])
def test_what_one_writes_comes_after_the_best_one_of_the_other(first, tmp_path):
    """Stopped when a has written three times, and b not yet, whose best epoch was the second."""

    def all_three():
        pair = [
            ModelCheckpoint(tmp_path / "a", save_best=False),
            ModelCheckpoint(tmp_path / "b", monitor="mae", every=9),
        ]
        return [Says(mae=[5.0, 1.0, 4.0, 3.0, 2.0, 2.5]), *(pair if first == "a" else reversed(pair))]

    with pytest.raises(StoppedError):
        run(6, *all_three(), Stop(3, 0))
    run(6, *all_three(), resume=tmp_path / "a")
    assert epochs_of(tmp_path / "b" / "best.safetensors") == 2


def test_what_one_writes_knows_of_the_epoch_that_the_other_has_not_written_yet(tmp_path, monkeypatch):
    """Stopped between the two: the epoch is the best one of the second."""

    def both():
        return [
            Says(mae=[5.0, 1.0, 4.0, 3.0]),
            ModelCheckpoint(tmp_path / "a", save_best=False),
            ModelCheckpoint(tmp_path / "b", monitor="mae"),
        ]

    def stop(self):
        if len(self.course.history.epoch) == 2 and self.path.name == "b":
            raise StoppedError
        write(self)

    write = ModelCheckpoint._write
    monkeypatch.setattr(ModelCheckpoint, "_write", stop)
    with pytest.raises(StoppedError):
        run(4, *both())
    monkeypatch.undo()
    assert epochs_of(tmp_path / "a" / "epoch-0002.safetensors") == 2
    run(4, *both(), resume=tmp_path / "a")
    assert epochs_of(tmp_path / "b" / "best.safetensors") == 2


def test_the_best_one_of_an_earlier_run_goes_where_this_one_has_none(tmp_path):
    run(2, ModelCheckpoint(tmp_path))
    run(2, Says(val_loss=[np.nan, np.nan]), ModelCheckpoint(tmp_path), seed=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-0001.safetensors", "epoch-0002.safetensors"]


def test_a_best_one_from_the_end_of_a_run_is_over_too(tmp_path):
    """Another callback ends the run in the epoch that is the best."""

    def all_three(folder):
        says = Says(order=-1, mae=[3.0, 2.0, 1.0], val_loss=[1.0, 2.0, 2.0])
        return [says, EarlyStopping("val_loss", patience=2), ModelCheckpoint(folder, monitor="mae")]

    first = run(9, *all_three(tmp_path))
    assert len(first.history.epoch) == 3
    again = run(9, *all_three(tmp_path), resume=tmp_path / "best.safetensors")
    assert_same(outcome(again), outcome(first))


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"monitor": "val_mae"}, r"watched 'val_loss' \(mode 'min'\) .*, and 'val_mae' \(mode 'min'\) was given.*Mend"),
        ({"monitor": "val_loss", "mode": "max"}, r"watched 'val_loss' \(mode 'min'\) .*'val_loss' \(mode 'max'\) was"),
    ],
)
def test_another_figure_is_another_run(kind, given, message, tmp_path):
    with pytest.raises(StoppedError):
        run(9, kind("val_loss", patience=9), ModelCheckpoint(tmp_path), Stop(1, 0))
    with pytest.raises(ValueError, match=f"resume: {kind.__name__} {message}"):
        run(9, kind(**given, patience=9), ModelCheckpoint(tmp_path), resume=tmp_path)


def test_another_figure_for_the_best_one_begins_anew(tmp_path):
    def says():
        return Says(mae=[0.2, 0.3, 0.4, 0.1], val_loss=[9.0, 8.0, 7.0, 6.0])

    with pytest.raises(StoppedError):
        run(4, says(), ModelCheckpoint(tmp_path), Stop(2, 0))
    run(4, says(), ModelCheckpoint(tmp_path, monitor="mae", mode="max"), resume=tmp_path)
    assert epochs_of(tmp_path / "best.safetensors") == 3


class Keeps(Callback):
    """Two arrays whose names would be one."""

    def state(self):
        return {"a": {"b": np.zeros(2)}, "a/b": np.ones(2)}

    def restore(self, state):
        self.got = state


class Wants(Callback):
    """Something that is not there."""

    def state(self):
        return {"has": 1}

    def restore(self, state):
        state["wants"]


def test_keys_with_slashes_do_not_meet(tmp_path):
    keeps = Keeps()
    run(2, Keeps(), ModelCheckpoint(tmp_path))
    run(3, keeps, resume=tmp_path)
    np.testing.assert_array_equal(keeps.got["a"]["b"], np.zeros(2))
    np.testing.assert_array_equal(keeps.got["a/b"], np.ones(2))


def test_a_state_that_is_not_understood(tmp_path):
    run(2, Wants(), ModelCheckpoint(tmp_path))
    with pytest.raises(ValueError, match=r"resume: the callback Wants cannot take the state .*it lacks 'wants'.* Mend"):
        run(3, Wants(), resume=tmp_path)
