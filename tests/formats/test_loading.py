"""A model that was saved comes back, on any backend, and goes on; a file of a user's own classes asks for them."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet import (
    LBFGS,
    Adam,
    Add,
    Averaged,
    BatchNormalization,
    CheckpointError,
    Concatenate,
    Dense,
    Dropout,
    ElementwiseActivation,
    Input,
    Model,
    NotWrittenError,
    Sequential,
)
from bpnet.backend import Backend
from bpnet.formats.container import Content, read, write
from formats.test_description import Scaled, squareplus
from limits import LIMITS

DRAW = np.random.default_rng(0)
X = [DRAW.normal(size=(40, 4)), DRAW.normal(size=(40, 4))]
Y = {"same": DRAW.integers(0, 2, (40, 1)), "size": DRAW.normal(size=(40, 2))}


def branched(backend: Any = "numpy", dtype: str = "float64") -> Model:
    """Two inputs, a layer used twice, a skip connection, running statistics, dropout, two outputs."""
    left, right = Input((4,), name="left"), Input((4,))
    tower = Dense(6, "tanh")
    a, b = tower(left), tower(right)
    h = BatchNormalization()(Dropout(0.2)(Add()([a, Dense(6, "relu")(a)])))
    same = Dense(1, "sigmoid", name="same")(Concatenate()([h, b]))
    size = Dense(2, name="size")(h)
    model = Model([left, right], [size, same], backend=backend, dtype=dtype, seed=3)
    how: dict[str, Any] = {"same": "binary_crossentropy", "size": bpnet.Huber(delta=0.5)}
    model.compile(Averaged(Adam(0.01), 0.9), how, {"same": ["accuracy"]}, {"size": 0.5})
    return model


def outputs(model: Any) -> list[np.ndarray]:
    return [np.asarray(part) for part in model.predict(X)]


def close(a: list[np.ndarray], b: list[np.ndarray], limit: float) -> bool:
    return all(np.linalg.norm(x - y) <= limit * np.linalg.norm(y) for x, y in zip(a, b, strict=True))


def test_a_file_goes_from_any_backend_to_any(backend: Backend, dtype: str, tmp_path: Path) -> None:
    """Bit for bit on the same backend; on another within the tier of its float type."""
    model = branched(backend, dtype)
    model.fit(X, Y, batch_size=20, epochs=1, verbose=0)
    model.save(tmp_path / "m.safetensors")
    here = bpnet.load_model(tmp_path / "m.safetensors", backend=backend)
    assert here.dtype == dtype
    for x, y in zip(outputs(here), outputs(model), strict=True):
        np.testing.assert_array_equal(x, y)
    on_numpy = bpnet.load_model(tmp_path / "m.safetensors", backend="numpy")
    assert close(outputs(on_numpy), outputs(model), LIMITS[dtype])
    on_numpy.save(tmp_path / "m.safetensors")
    back = bpnet.load_model(tmp_path / "m.safetensors", backend=backend)
    for x, y in zip(outputs(back), outputs(model), strict=True):
        np.testing.assert_array_equal(x, y)


def test_all_of_it_comes_back_and_goes_on(tmp_path: Path) -> None:
    model = branched()
    history = model.fit(X, Y, batch_size=16, epochs=2, validation_split=0.2, verbose=0)
    model.save(tmp_path / "m")
    other = bpnet.load_model(tmp_path / "m", backend="numpy")
    assert type(other) is Model
    assert (other.seed, other.epochs_seen, other.history) == (3, 2, history)
    assert [layer.name for layer in other.network.graph.layers] == [layer.name for layer in model.network.graph.layers]
    assert other.network.graph.input_names == ["left", "input"]
    assert other.output_names == ["size", "same"]
    assert other.learning_rate == model.learning_rate
    assert other.evaluate(X, Y) == model.evaluate(X, Y)
    histories = [each.fit(X, Y, batch_size=16, epochs=2, verbose=0) for each in (model, other)]
    assert histories[0] == histories[1]
    for x, y in zip(outputs(other), outputs(model), strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_float_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPNET_DTYPE", "float32")
    branched(dtype="float64").save(tmp_path / "m")
    assert bpnet.load_model(tmp_path / "m", backend="numpy").dtype == "float64"
    rounded = bpnet.load_model(tmp_path / "m", backend="numpy", dtype="float32")
    assert rounded.dtype == "float32"
    assert close(outputs(rounded), outputs(branched()), LIMITS["float32"])


def test_models_that_are_not_built_or_not_compiled(tmp_path: Path) -> None:
    model = Sequential([Dense(3), Dense(2, name="last")], backend="numpy", seed=4)
    model.save(tmp_path / "m")
    other = bpnet.load_model(tmp_path / "m", backend="numpy")
    assert not other.can_build
    for each in (model, other):
        each.compile("adam", "mse", ["mae"])
    other.save(tmp_path / "m")
    third = bpnet.load_model(tmp_path / "m", backend="numpy")
    histories = [each.fit(X[0], X[1][:, :2], epochs=2, verbose=0) for each in (model, other, third)]
    assert histories[0] == histories[1] == histories[2]
    assert [layer.name for layer in third.layers] == ["dense", "last"]


def test_lbfgs(tmp_path: Path) -> None:
    model = Sequential([Dense(3, "tanh", input_dim=4), Dense(2)], backend="numpy", dtype="float64")
    model.compile(LBFGS(memory=4), "mse")
    model.fit(X[0], X[1][:, :2], epochs=2, verbose=0)
    model.save(tmp_path / "m")
    other = bpnet.load_model(tmp_path / "m", backend="numpy")
    assert isinstance(other.optimizer, LBFGS)
    assert other.optimizer.memory == 4
    histories = [each.fit(X[0], X[1][:, :2], epochs=2, verbose=0) for each in (model, other)]
    assert histories[0] == histories[1]


def test_a_figure_that_is_not_a_number_comes_back(tmp_path: Path) -> None:
    """R² of targets that are all equal."""
    model = Sequential([Dense(1, input_dim=4)], backend="numpy")
    model.compile("sgd", "mse", ["r2"])
    model.fit(X[0], np.ones(40), epochs=1, verbose=0)
    model.save(tmp_path / "m")
    other = bpnet.load_model(tmp_path / "m", backend="numpy")
    assert np.isnan(other.history.history["r2"]).all()


def test_classes_of_ones_own(tmp_path: Path) -> None:
    layers = [Scaled(3, by=1.5, input_dim=4), Dense(2, ElementwiseActivation("squareplus", squareplus))]
    model = Sequential(layers, backend="numpy")
    with pytest.raises(TypeError, match=r"layer 'scaled': Scaled.*custom_objects=\{'Scaled': Scaled\}"):
        model.save(tmp_path / "m")
    assert not (tmp_path / "m").exists()
    own = {"Scaled": Scaled, "squareplus": squareplus}
    model.save(tmp_path / "m", custom_objects=own)
    other = bpnet.load_model(tmp_path / "m", backend="numpy", custom_objects=own)
    np.testing.assert_array_equal(other.predict(X[0]), model.predict(X[0]))
    assert (type(other.layers[0]), other.layers[0].by) == (Scaled, 1.5)
    with pytest.raises(CheckpointError, match=r"path: .*'Scaled' is not bpnet's own. Mend: custom_objects"):
        bpnet.load_model(tmp_path / "m", backend="numpy")
    own["Scaled"] = SimpleNamespace
    with pytest.raises(CheckpointError, match="no layer"):
        bpnet.load_model(tmp_path / "m", backend="numpy", custom_objects=own)


def test_a_lambda_is_an_error_when_it_is_saved(tmp_path: Path) -> None:
    shape = ElementwiseActivation("mine", lambda xp: squareplus(xp))
    model = Sequential([Dense(3, shape, input_dim=4)], backend="numpy")
    for how in ({}, {"custom_objects": {"<lambda>": shape.formula}}):
        with pytest.raises(TypeError, match=r"layer 'dense': activation: formula: <lambda>.*Mend: def"):
            model.save(tmp_path / "m", **how)
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_handed_to_its_own_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = SimpleNamespace(TableModel=SimpleNamespace(of=lambda model, facts: (model, facts)))
    monkeypatch.setitem(sys.modules, "bpnet.tables", tables)
    content = Sequential([Dense(1, input_dim=4)], backend="numpy").content()
    write(tmp_path / "m", Content("table", content.arrays, content.facts | {"table": {"columns": []}}))
    model, facts = bpnet.load_model(tmp_path / "m", backend="numpy")
    assert isinstance(model, Sequential)
    assert facts == {"columns": []}


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match="make the folder first"):
        branched().save(tmp_path / "none" / "m")


def test_another_process_reads_it(tmp_path: Path) -> None:
    """Nothing of the process that wrote it is needed."""
    model = branched()
    model.save(tmp_path / "m")
    program = (
        "import sys, numpy, bpnet; x = numpy.load(sys.argv[2]);"
        "numpy.save(sys.argv[2], bpnet.load_model(sys.argv[1], backend='numpy').predict(list(x))[0])"
    )
    np.save(tmp_path / "x.npy", np.stack(X))
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "m"), str(tmp_path / "x.npy")], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), model.predict(X)[0])


def test_the_kind_is_that_of_a_model(tmp_path: Path) -> None:
    branched().save(tmp_path / "m", command="bpnet train")
    content = read(tmp_path / "m")
    assert content.kind == "model"
    assert content.facts["provenance"]["command"] == "bpnet train"
