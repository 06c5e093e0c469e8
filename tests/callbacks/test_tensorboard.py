"""What TensorBoard's own reader finds in the files is what was trained."""

import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bpnet import SGD, Add, Callback, Dense, ExponentialDecay, Input, LambdaCallback, Model, TensorBoard
from bpnet.training.callbacks import told
from callbacks.scenes import FIGURES, X, Y, model


def found(folder):
    accumulator = EventAccumulator(str(folder), {"scalars": 0, "histograms": 0, "graph": 1})
    accumulator.Reload()
    return accumulator


def curve(accumulator, tag):
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def test_the_curves_are_the_history(on, tmp_path):
    trained, rates = model(on, SGD(ExponentialDecay(0.1, 0.5, 3))), []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(trained.learning_rate))
    history = trained.fit(X, Y, 20, 3, 0, [TensorBoard(tmp_path), watch], validation_split=0.25)
    train, validation = found(tmp_path / "train"), found(tmp_path / "validation")
    assert train.Tags()["scalars"] == ["epoch_loss", "epoch_accuracy", "epoch_learning_rate"]
    assert validation.Tags()["scalars"] == ["epoch_loss", "epoch_accuracy"]
    expected = {**history.history, "learning_rate": rates}
    for name, values in expected.items():
        run = validation if name.startswith("val_") else train
        in_float32 = [(epoch, float(np.float32(value))) for epoch, value in enumerate(values)]
        assert curve(run, f"epoch_{name.removeprefix('val_')}") == in_float32
    assert train.Tags()["histograms"] == []
    assert rates[0] > rates[-1]


class Weights(Callback):
    """theta after each epoch; before the first one too."""

    def on_train_begin(self, epochs, samples):
        self.seen = [self.model.network.backend.to_numpy(self.model.network.theta).copy()]

    def on_epoch_end(self, epoch, logs):
        self.seen.append(self.model.network.backend.to_numpy(self.model.network.theta).copy())


def test_histograms_of_each_parameter_and_its_gradient(on, tmp_path):
    """One batch an epoch, and plain descent: the gradient is what theta has moved by, over the rate."""
    trained, weights = model(on, SGD(0.5)), Weights()
    trained.fit(X, Y, len(X), 5, 0, [weights, TensorBoard(tmp_path, histogram_freq=2)])
    train = found(tmp_path / "train")
    places = trained.network.layout.places
    names = [f"{trained.layers[place.layer].name}/{place.parameter.name}" for place in places]
    assert "dense/w" in names
    assert sorted(train.Tags()["histograms"]) == sorted(
        f"{name}/{what}" for name in names for what in ("histogram", "gradient")
    )
    for name, place in zip(names, places, strict=True):
        part = slice(place.start, place.stop)
        for what in ("histogram", "gradient"):
            events = train.Histograms(f"{name}/{what}")
            assert [event.step for event in events] == [0, 2, 4]
            for event in events:
                before, after = weights.seen[event.step][part], weights.seen[event.step + 1][part]
                expected = after if what == "histogram" else (before - after) / 0.5
                value = event.histogram_value
                got = [value.num, value.min, value.max, value.sum, value.sum_squares]
                # theta is known to 1e-16, its change over the rate to some 1e-15.
                of = [expected.size, expected.min(), expected.max(), expected.sum(), (expected**2).sum()]
                np.testing.assert_allclose(got, of, rtol=1e-12, atol=1e-14)
                assert sum(value.bucket) == expected.size


def test_the_graph_names_kinds_edges_and_shapes(tmp_path):
    left, right = Input((4,), name="left"), Input((4,), name="right")
    tower = Dense(3, name="tower")
    made = Model([left, right], Dense(1, name="end")(Add()([tower(left), tower(right)])), backend="numpy")
    made.compile("sgd", "mse")
    made.fit([X, X], Y, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path)])
    nodes = {node.name: node for node in found(tmp_path / "train").Graph().node}
    edges = {name: (node.op, list(node.input)) for name, node in nodes.items()}
    assert edges == {
        "left": ("Input", []),
        "right": ("Input", []),
        "tower": ("Dense", ["left"]),
        "tower_1": ("Dense", ["right"]),
        "add": ("Add", ["tower", "tower_1"]),
        "end": ("Dense", ["add"]),
    }
    (shape,) = nodes["add"].attr["_output_shapes"].list.shape
    assert [size.size for size in shape.dim] == [-1, 3]
    without = tmp_path / "without"
    made.fit([X, X], Y, verbose=0, callbacks=[TensorBoard(without, write_graph=False)])
    with pytest.raises(ValueError, match="no graph"):
        found(without / "train").Graph()


def test_a_resumed_run_hides_the_steps_that_it_does_again(tmp_path):
    """Killed after epoch 3, resumed from a checkpoint of epoch 1: nothing closes the first run's files."""
    trained, writers = model(), [TensorBoard(tmp_path), TensorBoard(tmp_path)]
    for writer, first, value in zip(writers, (0, 2), (1.0, 2.0), strict=True):
        writer.model, writer.figures = trained, FIGURES
        writer.on_train_begin(5, 60)
        for epoch in range(first, first + 4 if first == 0 else 5):
            writer.on_epoch_begin(epoch)
            writer.on_epoch_end(epoch, {"loss": value, "val_loss": -value})
    for run, sign in (("train", 1.0), ("validation", -1.0)):
        expected = [(0, sign), (1, sign), (2, 2 * sign), (3, 2 * sign), (4, 2 * sign)]
        assert curve(found(tmp_path / run), "epoch_loss") == expected
    assert len(list((tmp_path / "train").iterdir())) == 2, "the second file took the first one's name"
    for writer in writers:
        writer.on_train_end()


def test_figures_that_are_no_numbers_do_no_harm(tmp_path):
    writer = TensorBoard(tmp_path)
    with told([writer], model(), 2, 60, {"loss": False, "val_r2": True}):
        for epoch in range(2):
            writer.on_epoch_begin(epoch)
            writer.on_epoch_end(epoch, {"loss": 1.0, "val_r2": float("nan")})
    (first, second) = curve(found(tmp_path / "validation"), "epoch_r2")
    assert np.isnan([first[1], second[1]]).all()


def test_lbfgs_has_no_rate_to_show(tmp_path):
    model(optimizer="lbfgs").fit(X, Y, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=1)])
    train = found(tmp_path / "train")
    assert train.Tags()["scalars"] == ["epoch_loss", "epoch_accuracy"]
    assert len(train.Histograms("dense/w/gradient")) == 2
    assert not (tmp_path / "validation").exists(), "nothing is held out"


def test_bad_input(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("here already")
    trained = model()
    before = trained.get_weights()
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(ValueError, match=r"log_dir: .* expected a folder, but '.*/file' is a file"):
            trained.fit(X, Y, verbose=0, callbacks=[TensorBoard(path)])
    assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), before, strict=True))
    with pytest.raises(ValueError, match="histogram_freq: -1"):
        TensorBoard(tmp_path, histogram_freq=-1)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r'TensorBoard: tensorboardX .* pip install "\.\[tensorboard\]"'):
        TensorBoard(tmp_path)
