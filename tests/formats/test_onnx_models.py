"""Whole models as ONNX files: names, shared layers, several inputs and outputs, what the file says, and errors."""

import numpy as np
import onnx
import pytest

import bpnet
from bpnet import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    ElementwiseActivation,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Layer,
    MaxPooling2D,
    Model,
    Permute,
    PReLU,
    ReLU,
    Sequential,
    UpSampling2D,
    ZeroPadding2D,
)
from bpnet.formats import onnx as format_onnx
from bpnet.formats.onnx import registry
from bpnet.recipes import RECIPES, Options, recipe
from formats.onnx_runs import agree, runtime, with_random_weights


def operators(path):
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.onnx"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_inputs_and_outputs_and_a_layer_used_twice(dtype, path):
    left, right = Input((8,), name="left"), Input((8,), name="right")
    tower = Dense(16, "tanh")
    a, b = tower(left), tower(right)
    h = Add()([a, Dense(16, "relu")(a)])
    same = Dense(1, "sigmoid", name="same")(Concatenate()([h, b]))
    model = Model([left, right], [same, Dense(2, name="size")(h)], backend="numpy", dtype=dtype)
    agree(with_random_weights(model, 1), path, seeds=(1, 2))
    graph = onnx.load(path).graph
    assert [value.name for value in graph.input] == ["left", "right"]
    assert [value.name for value in graph.output] == ["same", "size"]
    assert [tensor.name for tensor in graph.initializer].count("dense/w") == 1
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_numbers_of_things_are_int64_where_only_tables_read_them(path):
    words, x = Input((4,), name="words"), Input((3,), name="x")
    rows = Flatten()(Embedding(9, 2)(words))
    coded = Embedding(3, 2, name="coded")(Activation("step")(x))  # whole numbers that a layer made
    model = Model([words, x], [Dense(2)(Concatenate()([rows, Flatten()(coded)])), Dense(2)(x)], backend="numpy")
    agree(with_random_weights(model, 0), path)
    types = [value.type.tensor_type.elem_type for value in onnx.load(path).graph.input]
    assert types == [onnx.TensorProto.INT64, onnx.TensorProto.FLOAT]


def residual(channels_first=False):
    image = Input((3, 9, 7) if channels_first else (9, 7, 3))
    x = Permute((2, 3, 1))(image) if channels_first else image
    x = Conv2D(4, 3, padding="same", use_bias=False)(x)
    y = ReLU()(BatchNormalization()(x))
    y = Conv2D(4, 3, padding="same", activation="gelu")(Dropout(0.5)(y))
    y = Concatenate()([PReLU()(Add()([x, y])), MaxPooling2D(3, 1, "same")(x)])
    y = ZeroPadding2D(((1, 0), (0, 2)))(y)
    return with_random_weights(Model(image, Dense(3)(GlobalAveragePooling2D()(y)), backend="numpy"), 0)


def test_transposes_cancel_out(path):
    """One at the boundary, and none where the images come with the channels first."""
    agree(residual(), path)
    assert operators(path).count("Transpose") == 1
    agree(residual(channels_first=True), path)
    assert operators(path).count("Transpose") == 0


def test_transposes_that_do_not_commute_become_one(path):
    image = Input((6, 5, 3))
    turned = Permute((2, 3, 1))(Permute((2, 1, 3))(ReLU()(Permute((3, 1, 2))(image))))
    agree(Model(image, turned, backend="numpy"), path)
    assert operators(path) == ["Relu", "Transpose"]


def test_what_reads_both_orders_of_the_axes_gets_both(path):
    image = Input((6, 5, 3))
    x = Conv2D(2, 3)(image)
    parts = [Flatten()(x), Flatten()(UpSampling2D(2)(x)), Flatten()(Conv2D(2, 2, activation="softmax")(x))]
    model = Model(image, [Concatenate()(parts), Add(name="both")([x, Permute((1, 2, 3))(x)])], backend="numpy")
    agree(with_random_weights(model, 0), path)


def test_outputs_that_are_inputs_or_other_outputs(path):
    x = Input((3,), name="x")
    y = Dropout(0.5, name="y")(x)
    z = Dense(2, name="z")(y)
    model = Model(x, [y, z, Activation("linear", name="z again")(z), Dense(2)(z)], backend="numpy")
    agree(with_random_weights(model, 0), path)


TRAINED = [name for name in RECIPES if hasattr(recipe(name), "problem")]


@pytest.mark.parametrize("name", TRAINED)
def test_a_recipe(name, path):
    """After an epoch or two, so that running statistics and biases are no longer what they were."""
    model, x, y = recipe(name).problem(Options(backend="numpy", seed=1))
    model.fit(x[:96], y[:96], epochs=2, verbose=0)
    model.export(path)
    (node,), (own,) = model.network.graph.inputs, model.network.graph.input_names
    expected, given = model.predict(x[:17]), np.reshape(x[:17], (-1, *node.shape)).astype("float32")
    (found,) = runtime(path)({own: given}).values()
    assert np.ptp(expected) > 0
    assert np.linalg.norm(found - expected) <= 1e-5 * np.linalg.norm(expected)


def test_the_file_says_who_made_it_and_what_it_needs(path):
    small().export(path)
    model = onnx.load(path)
    assert (model.producer_name, model.producer_version) == ("bpnet", bpnet.__version__)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    onnx.checker.check_model(model, full_check=True)


def small():
    return Sequential([Input((3,)), Dense(2)], backend="numpy")


def test_a_float64_model_as_float32(path):
    """ONNX Runtime has no float64 kernels for convolutions."""
    model = with_random_weights(
        Sequential([Input((5, 5, 1)), Conv2D(2, 2), Flatten()], backend="numpy", dtype="float64"), 0
    )
    model.export(path, dtype="float32")
    x = np.random.default_rng(0).normal(size=(3, 5, 5, 1))
    (found,) = runtime(path)({"input": x.astype("float32")}).values()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, model.predict(x), rtol=1e-4, atol=1e-5)


class Scale(Layer):
    """y = 3 x."""

    def output_shape(self, *inputs):
        return inputs[0]

    def forward(self, p, *x, train):
        return 3 * x[0], None

    def backward(self, p, saved, dy, g, *, need_dx):
        return (3 * dy,)


class Twice(Dense):
    """A layer like one of bpnet's, but not one of them."""

    def forward(self, p, *x, train):
        y, saved = super().forward(p, *x, train=train)
        return 2 * y, saved


def squareplus(xp):
    return lambda z: (z + xp.sqrt(z * z + 4)) / 2, lambda y: y * y / (y * y + 1)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Scale(), "layer 'scale': its class Scale has no exporter"),
        (Twice(2), "its class Twice has no exporter"),
        (Dense(2, ElementwiseActivation("relu", squareplus)), "activation 'relu': squareplus has no exporter"),
    ],
)
def test_what_has_no_exporter_is_told_and_nothing_is_written(layer, words, path):
    """The name of an activation is the user's: `relu` may be anything."""
    path.write_text("before")
    with pytest.raises(ValueError, match=words) as error:
        Sequential([Input((3,)), layer], backend="numpy").export(path)
    assert "Mend: write one, @bpnet.formats.onnx." in str(error.value)
    assert path.read_text() == "before"
    assert [each.name for each in path.parent.iterdir()] == ["m.onnx"]


def test_exporters_of_ones_own(path, monkeypatch):
    monkeypatch.setattr(registry, "LAYERS", dict(registry.LAYERS))
    monkeypatch.setattr(registry, "ACTIVATIONS", dict(registry.ACTIVATIONS))

    @format_onnx.exporter(Scale)
    def scale(graph, place, x):
        assert (place.inputs, place.shape, place.weights) == (((2,),), (2,), {})
        return graph.add("Mul", x, 3)

    @format_onnx.activation_exporter(squareplus)
    def plus(graph, z):
        root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", z, z), 4.0))
        return graph.add("Mul", 0.5, graph.add("Add", z, root))

    layers = [Input((3,)), Dense(2, ElementwiseActivation("plus", squareplus)), Scale()]
    agree(with_random_weights(Sequential(layers, backend="numpy"), 0), path)


def test_an_input_and_an_output_of_one_name(path):
    model = Model(x := Input((3,), name="x"), Dense(2, name="x")(x), backend="numpy")
    with pytest.raises(ValueError, match="outputs: 'x' is the name of another input"):
        model.export(path)


def test_a_model_that_is_not_built_or_a_missing_package(path, monkeypatch):
    with pytest.raises(RuntimeError, match="not built"):
        Sequential([Dense(2)], backend="numpy").export(path)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r'Mend: pip install "\.\[onnx\]"'):
        small().export(path)
    assert not path.exists()


def test_a_file_of_more_than_two_gib_is_refused(path, monkeypatch):
    monkeypatch.setattr("bpnet.formats.onnx.writing.LARGEST", 31)
    with pytest.raises(ValueError, match="the weights have 32 bytes, but an ONNX file ends at 2 GiB"):
        small().export(path)
    assert not path.exists()


def test_a_file_that_the_checker_refuses_is_not_written(path, monkeypatch):
    monkeypatch.setitem(registry.LAYERS, Scale, lambda g, at, x: g.add("NoSuchOperator", x))
    with pytest.raises(onnx.checker.ValidationError, match="NoSuchOperator"):
        Sequential([Input((3,)), Scale()], backend="numpy").export(path)
    assert not path.exists()
