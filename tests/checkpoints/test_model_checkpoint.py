"""`ModelCheckpoint`: which files there are, when they are written, and what must not be lost."""

import os

import numpy as np
import pytest

from bpnet import Callback, Dense, Input, ModelCheckpoint, Sequential
from bpnet.callbacks import checkpoint
from bpnet.formats.container import CheckpointError, read
from bpnet.sklearn import MLPRegressor
from checkpoints.runs import Stop, StoppedError

RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=24)


def make(seed=0):
    made = Sequential([Input((3,)), Dense(1)], backend="numpy", seed=seed)
    made.compile("sgd", "mse", ["mae"])
    return made


def run(epochs, *callbacks, model=None, **settings):
    model = model or make()
    model.fit(X, Y, 8, epochs, verbose=0, callbacks=list(callbacks), **settings)
    return model


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def epochs_of(path):
    return len(read(path).facts["history"]["epoch"])


@pytest.mark.parametrize(("every", "keep", "there"), [(1, 3, [5, 6, 7]), (3, 3, [3, 6, 7]), (2, 1, [7]), (9, 2, [7])])
def test_the_last_ones_stay_and_the_end_is_written(every, keep, there, tmp_path):
    run(7, ModelCheckpoint(tmp_path, every=every, keep=keep, save_best=False))
    assert names(tmp_path) == [f"epoch-{epoch:04d}.safetensors" for epoch in there]
    assert [epochs_of(tmp_path / name) for name in names(tmp_path)] == there


class Says(Callback):
    """Other figures than those that were found: what comes after in the order sees them."""

    order = 99

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.values[epoch]


@pytest.mark.parametrize(
    ("monitor", "mode", "best"),
    [("loss", "auto", 2), ("mae", "auto", 2), ("mae", "max", 4), ("loss", "min", 2), ("val_loss", "auto", 2)],
)
def test_the_best_one(monitor, mode, best, tmp_path):
    """NaN is never the best; without held-out data `val_loss` is `loss`."""
    says = Says("loss" if monitor == "val_loss" else monitor, [3.0, 1.0, 2.0, 9.0, float("nan")])
    run(5, says, ModelCheckpoint(tmp_path, monitor=monitor, mode=mode, keep=9))
    found = read(tmp_path / "best.safetensors")
    assert len(found.facts["history"]["epoch"]) == best
    expected = read(tmp_path / f"epoch-{best:04d}.safetensors")
    np.testing.assert_array_equal(found.arrays["theta"], expected.arrays["theta"])


def test_the_best_one_waits_for_the_next_time_but_is_there_before_a_checkpoint_that_knows_of_it(tmp_path):
    says = Says("loss", [3.0, 1.0, 2.0, 0.5, 2.0, 2.0])
    with pytest.raises(StoppedError):
        run(6, says, ModelCheckpoint(tmp_path, every=3), Stop(4))
    assert names(tmp_path) == ["best.safetensors", "epoch-0003.safetensors"]
    assert epochs_of(tmp_path / "best.safetensors") == 2
    run(6, says, ModelCheckpoint(tmp_path, every=3), resume=tmp_path)
    assert epochs_of(tmp_path / "best.safetensors") == 4


def test_what_was_the_best_before_the_stop_counts(tmp_path):
    with pytest.raises(StoppedError):
        run(6, Says("loss", [3.0, 1.0, 2.0]), ModelCheckpoint(tmp_path), Stop(2, 0))
    run(6, Says("loss", [2.0] * 6), ModelCheckpoint(tmp_path), resume=tmp_path)
    assert epochs_of(tmp_path / "best.safetensors") == 2


def test_one_file_is_replaced(tmp_path):
    path = tmp_path / "new" / "run.safetensors"
    with pytest.raises(ValueError, match="make the folder first"):
        run(3, ModelCheckpoint(path))
    path.parent.mkdir()
    run(3, ModelCheckpoint(path))
    assert names(path.parent) == [path.name]
    assert epochs_of(path) == 3
    assert run(4, ModelCheckpoint(path), resume=path).history.epoch == [0, 1, 2, 3]


def test_a_share_of_the_time_and_always_the_end(tmp_path, monkeypatch):
    """A clock that an epoch moves by 1 s and a checkpoint by 0.25 s: a share of 0.1 is one in three."""
    now = [0.0]

    class Takes(Callback):
        def on_epoch_end(self, epoch, logs):
            now[0] += 1.0

    def slow(content):
        now[0] += 0.25
        return to_bytes(content)

    to_bytes = checkpoint.to_bytes
    monkeypatch.setattr(checkpoint, "perf_counter", lambda: now[0])
    monkeypatch.setattr(checkpoint, "to_bytes", slow)
    run(13, Takes(), ModelCheckpoint(tmp_path, share=0.1, save_best=False, keep=99))
    written = [int(name[6:10]) for name in names(tmp_path)]
    assert written[0] == 1, "the first guess is short"
    assert written[-1] == 13
    assert len(written) == 6
    assert all(0.25 * (i + 1) <= 0.1 * (epoch + 0.25 * (i + 1)) for i, epoch in enumerate(written) if 0 < i < 5)


def test_an_earlier_run_goes_once_there_is_something_of_the_new_one_and_other_files_stay(tmp_path):
    run(5, ModelCheckpoint(tmp_path))
    others = ["epoch-1.safetensors", "epoch-0009.txt", "notes", "last.safetensors"]
    for name in others:
        (tmp_path / name).write_text("mine")

    class Looks(Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(names(tmp_path))

    seen = []
    run(2, Looks(), ModelCheckpoint(tmp_path, save_best=False), model=make(seed=1))
    assert {f"epoch-000{i}.safetensors" for i in (3, 4, 5)} | {"best.safetensors"} <= set(seen[0])
    assert set(seen[1]) == {"epoch-0001.safetensors", *others}
    assert set(names(tmp_path)) == {"epoch-0001.safetensors", "epoch-0002.safetensors", *others}
    assert all((tmp_path / name).read_text() == "mine" for name in others)


def test_killed_before_the_earlier_run_was_removed_the_new_one_is_resumed(tmp_path, monkeypatch):
    """Although the earlier one's epochs have higher numbers."""
    run(5, ModelCheckpoint(tmp_path))
    monkeypatch.setattr(checkpoint.Path, "unlink", lambda *args: (_ for _ in ()).throw(StoppedError))
    with pytest.raises(StoppedError):
        run(3, ModelCheckpoint(tmp_path), model=make(seed=1))
    assert "epoch-0005.safetensors" in names(tmp_path)
    monkeypatch.undo()
    resumed = run(3, ModelCheckpoint(tmp_path), model=make(seed=1), resume=tmp_path)
    np.testing.assert_array_equal(resumed.get_weights()[0], run(3, model=make(seed=1)).get_weights()[0])


def test_unreadable_ones_are_passed_over_with_one_warning(tmp_path):
    run(4, ModelCheckpoint(tmp_path))
    cut, changed = tmp_path / "epoch-0004.safetensors", tmp_path / "epoch-0003.safetensors"
    times = [os.stat(path).st_mtime_ns for path in (cut, changed)]
    cut.write_bytes(cut.read_bytes()[:-5])
    changed.write_bytes(changed.read_bytes()[:-1] + b"!")
    for path, time in zip((cut, changed), times, strict=True):
        os.utime(path, ns=(time, time))
    with pytest.warns(RuntimeWarning, match=r"epoch-0002\.safetensors is the newest .* epoch-0004.*epoch-0003") as all_:
        resumed = run(6, ModelCheckpoint(tmp_path), resume=tmp_path)
    assert len(all_) == 1
    assert resumed.history.history == run(6).history.history
    assert names(tmp_path)[1:] == [f"epoch-000{i}.safetensors" for i in (4, 5, 6)]


def test_nothing_to_resume(tmp_path):
    assert run(2, resume=tmp_path / "new").history.epoch == [0, 1]
    assert run(2, resume=tmp_path).history.epoch == [0, 1]
    with pytest.raises(CheckpointError, match="there is no file"):
        run(2, resume=tmp_path / "new.safetensors")
    (tmp_path / "epoch-0001.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"resume: no checkpoint in .* can be read .*epoch-0001.*is empty.*Mend"):
        run(2, resume=tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0}, "keep: 0 was given"),
        ({"every": 0}, "every: 0 was given"),
        ({"share": 1.5}, "share: 1.5 was given"),
        ({"mode": "best"}, "mode: 'best' was given"),
        ({"save_best": 1}, "save_best: 1 was given"),
    ],
)
def test_bad_settings(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(tmp_path, **settings)


def test_an_unknown_monitor_is_told_of_before_training_with_what_there_is(tmp_path):
    with pytest.raises(ValueError, match=r"ModelCheckpoint: the monitor: 'acuracy' is unknown. Known: loss, mae"):
        run(1, ModelCheckpoint(tmp_path, monitor="acuracy"))


def test_an_estimator_has_no_run_that_could_be_resumed(tmp_path):
    callback = ModelCheckpoint(tmp_path)
    run(1, callback)
    with pytest.raises(ValueError, match=r"ModelCheckpoint was given to an estimator.* Mend: warm_start='exact'"):
        MLPRegressor(hidden_layer_sizes=(2,), backend="numpy", callbacks=[callback]).partial_fit(X, Y)
