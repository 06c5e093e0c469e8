"""`repr` of what a user holds: short, in the words that make it again, and never an error."""

from functools import partial
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet import (
    L1L2,
    L2,
    Activation,
    Adam,
    Add,
    Callback,
    Constant,
    Conv2D,
    CSVLogger,
    Dense,
    Dropout,
    ElementwiseActivation,
    Ensemble,
    History,
    Input,
    LambdaCallback,
    Layer,
    MaxPooling2D,
    Model,
    Sequential,
    TableModel,
    VarianceScaling,
    gradient_check,
)
from bpnet.ensembles import search
from bpnet.formats.description import described
from bpnet.formats.registry import FORMULAS, own_classes
from formats.examples import EXAMPLES

ALL = [pytest.param(kind, thing, id=f"{kind}-{type(thing).__name__}") for kind in EXAMPLES for thing in EXAMPLES[kind]]


@pytest.mark.parametrize(("kind", "thing"), ALL)
def test_it_makes_the_object_again(kind: str, thing: Any) -> None:
    """No setting is lost, and none is written in a form that the constructor would not take."""
    names: dict[str, Any] = {"partial": partial, "L1": bpnet.L1, "L2": L2, "L1L2": L1L2} | FORMULAS
    for classes in [
        *(own_classes()[other] for other in ("schedule", "initializer", "activation")),
        own_classes()[kind],
    ]:
        names |= classes
    again = eval(repr(thing), names)
    assert described(again, "again") == described(thing, "thing")


@pytest.mark.parametrize(
    "told",
    [
        "Dense(10)",
        "Dense(10, activation='relu')",
        "Dense(10, activation='relu', kernel_initializer='he_normal', kernel_regularizer=L2(0.1), name='first')",
        "Dense(10, input_dim=4)",
        "Dense(10, use_bias=False, input_shape=(4,))",
        "Conv2D(8, (3, 3), strides=(2, 1), padding='same')",
        "Conv1D(8, 3, dilation_rate=2)",
        "MaxPooling2D()",
        "MaxPooling2D(pool_size=(3, 3))",
        "BatchNormalization(momentum=0.9, scale=False)",
        "Activation('linear')",
        "Dropout(0.5)",
        "Add()",
        "Adam()",
        "Adam(learning_rate=CosineDecay(0.01, 1000, warmup_steps=10), global_clipnorm=1.0)",
        "Averaged(Adam(beta_1=0.8), decay=0.99)",
        "Huber(delta=2.0)",
        "L1L2(0.1, 0.2)",
        "EarlyStopping(monitor='loss', patience=3)",
        "ImageDataGenerator(rotation_range=10, horizontal_flip=True)",
    ],
)
def test_only_what_differs_from_the_default(told: str) -> None:
    assert repr(eval(told, dict(vars(bpnet)))) == told


def test_defaults_that_are_stated_are_left_out() -> None:
    assert repr(Conv2D(8, 3, 1, "valid", activation="linear", dilation_rate=(1, 1))) == "Conv2D(8, (3, 3))"
    assert repr(MaxPooling2D((2, 2), strides=2)) == "MaxPooling2D()"
    assert repr(Dense(2, kernel_initializer=VarianceScaling(1.0, "average", "uniform"))) == "Dense(2)"
    assert repr(Adam(np.float64(0.001))) == "Adam()"
    assert repr(Adam(np.float32(0.5))) == "Adam(learning_rate=0.5)"


def test_a_function_is_told_by_its_name() -> None:
    def steep(xp: Any) -> Any:
        return lambda z: z, lambda y: y

    assert repr(Dense(2, ElementwiseActivation("steep", steep))) == (
        "Dense(2, activation=ElementwiseActivation('steep', steep))"
    )
    assert repr(LambdaCallback(on_train_end=steep)) == "LambdaCallback(on_train_end=steep)"
    assert repr(CSVLogger("log.csv")) == "CSVLogger('log.csv')"


class Forgetful(Dropout):
    def __init__(self, units: int, rate: float = 0.5) -> None:
        super().__init__(rate)


class Fails(Callback):
    def __init__(self, depth: int = 1, name: str = "a") -> None:
        self.name = name

    @property
    def depth(self) -> int:
        raise RuntimeError("never to be asked for")


class Many(Dropout):
    def __init__(self, *rates: float) -> None:
        super().__init__(rates[0])


class Unfinished(Layer):
    def __init__(self, units: int) -> None:
        self.units = units  # and Layer.__init__ is forgotten

    output_shape = forward = backward = None


class Selfish(Callback):
    def __init__(self, other: Any = None) -> None:
        self.other = self


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")


def test_classes_of_a_users_own_never_raise() -> None:
    assert repr(Forgetful(3, 0.25)) == "Forgetful(rate=0.25, …)"
    assert repr(Fails(name="b")) == "Fails(name='b', …)"
    assert repr(Many(0.5)) == "Many(…)"
    assert repr(Unfinished(3)) == "Unfinished(3)"
    assert repr(Selfish()) == "Selfish(other=…)"
    assert repr(Constant(np.arange(3.0))) == "Constant(value=array([0., 1., 2.]))"
    assert repr(Dense(2, kernel_initializer=Constant(np.arange(3.0)))).startswith("Dense(2, kernel_initializer=Const")
    assert repr(Constant(Unspeakable())) == "Constant(value=<Unspeakable>)"


def test_nodes_are_short_however_large_the_graph() -> None:
    """A node reads others, which read others: all of them would be 2⁴⁰ here."""
    node = Input((4,), name="left")
    assert repr(node) == "Input((4,), name='left')"
    for _ in range(40):
        node = Add()([node, node])
    assert repr(node) == "Node('add' → (4,))"


def chain(**settings: Any) -> Sequential:
    return Sequential([Dense(8, "relu"), Dense(3, "softmax")], backend="numpy", dtype="float32", **settings)


def test_a_chain_says_what_it_is_and_builds_nothing() -> None:
    model = chain()
    assert repr(model) == "Sequential(2 layers, not built; not compiled)"
    model.take_input_shape((4,))
    assert repr(model) == "Sequential(2 layers, not built; not compiled)"
    assert model._network is None
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    assert repr(model) == (
        "Sequential((4,) → (3,), 67 parameters, float32 on numpy; Adam(), SparseCategoricalCrossentropy(), accuracy)"
    )
    unfinished = Sequential.__new__(Sequential)
    assert repr(unfinished) == "Sequential(0 layers, not built; not compiled)"


def test_a_graph_names_its_inputs_and_outputs() -> None:
    left, right = Input((8,), name="left"), Input((8,), name="right")
    h = Add()([left, right])
    model = Model([left, right], [Dense(1, name="a")(h), Dense(2, name="b")(h)], backend="numpy", dtype="float64")
    told = "Model([left (8,), right (8,)] → [a (1,), b (2,)], 27 parameters, float64 on numpy; "
    assert repr(model) == told + "not compiled)"
    model.compile("sgd", {"a": "mse", "b": "mae"}, {"a": ["r2"]})
    assert repr(model) == told + "SGD(), a: MeanSquaredError(), r2, b: MeanAbsoluteError())"


def test_a_history_is_its_last_epoch() -> None:
    history = History()
    assert repr(history) == "History(0 epochs)"
    history.add(0, {"loss": 1.0, "accuracy": 0.5})
    history.add(1, {"loss": 0.123456, "accuracy": 0.75})
    assert repr(history) == "History(2 epochs, loss 0.1235, accuracy 0.75)"
    history.interrupted = True
    assert repr(history).endswith(", interrupted)")


def test_an_ensemble_says_what_its_models_have_of_their_own() -> None:
    model = Sequential([Dense(1, input_dim=2)], backend="numpy", dtype="float32")
    model.compile("sgd", "mse")
    ensemble = Ensemble(model, 3, learning_rate=[0.1, 0.001, 0.01], weight_decay=0.5)
    assert repr(ensemble) == (
        "Ensemble(3 models, seed 0 to 2, learning_rate 0.001 to 0.1, weight_decay 0.5; each as Sequential((2,) → (1,), "
        "3 parameters, float32 on numpy; SGD(), MeanSquaredError()))"
    )
    assert repr(Ensemble.__new__(Ensemble)) == "Ensemble(; each as None)"


def test_a_model_of_a_table_names_its_target() -> None:
    size = np.linspace(0.0, 1.0, 40)
    data = {"size": size, "price": 3 * size + 1}
    made = {"hidden": 4, "backend": "numpy", "dtype": "float32", "verbose": 0}
    model = TableModel.train(data, "price", task="regression", epochs=1, **made)
    assert repr(model) == f"TableModel(1 column → 'price', regression; {model.model!r})"


def test_a_report_of_gradients_is_its_verdict() -> None:
    x = np.eye(3)
    model = Sequential([Dense(2, "tanh", input_dim=3), Dense(1)], backend="numpy")
    model.compile("sgd", "mse")
    assert repr(gradient_check(model, x, np.arange(3))) == "GradientReport(4 parameters, all within 1e-07)"
    empty = Sequential([Input((3,)), Activation("tanh")], backend="numpy")
    empty.compile("sgd", "mse")
    report = gradient_check(empty, x, x)
    assert (repr(report), str(report)) == (
        "GradientReport(0 parameters, all within 1e-07)",
        "the model has no parameters",
    )


def test_what_a_search_found_is_its_best() -> None:
    model = Sequential([Dense(1, input_dim=3)], backend="numpy")
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(20, 3))
    found = search(model, x, x.sum(axis=1), models=2, epochs=1, learning_rate="0.01,0.1", verbose=0)
    settings = found.best.candidate.settings
    told = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    assert repr(found) == f"Found(2 candidates; the best has loss {found.best.figure:.4g} with {told})"
