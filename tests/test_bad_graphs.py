"""Each thing that can be wrong with a graph, its data or its losses is one clear error, as early as it can be seen."""

import numpy as np
import pytest

from bpnet import (
    Add,
    Concatenate,
    Dense,
    Embedding,
    Flatten,
    Input,
    MeanSquaredError,
    Model,
    Reshape,
    Sequential,
    SparseCategoricalCrossentropy,
)

A, B = np.ones((6, 4)), np.ones((6, 3))
KIND, SIZE = np.array([0, 1, 2] * 2), np.ones(6)


def made(inputs, outputs):
    return Model(inputs, outputs, backend="numpy")


def model(loss=("sparse_categorical_crossentropy", "mse"), **settings):
    left, right = Input((4,), name="left"), Input((3,), name="right")
    merged = Concatenate()([left, right])
    network = made([left, right], [Dense(3, "softmax", name="kind")(merged), Dense(1, name="size")(merged)])
    network.compile("sgd", list(loss) if isinstance(loss, tuple) else loss, **settings)
    return network


def fit(x=(A, B), y=(KIND, SIZE), **settings):
    network = model()
    before = network.get_weights()
    try:
        network.fit(x, y, verbose=0, **settings)
    finally:
        assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True)), "it trained"


x, other = Input((4,)), Input((4,), name="other")
h = Dense(3, name="hidden")(x)
shared = Dense(3, name="shared")

GRAPHS = {
    "a missing input": (
        lambda: made(x, Add()(h, Dense(3)(other))),
        r"inputs: the outputs depend on Input\(\(4,\)\) 'other', which is not among the inputs. Mend: add it",
    ),
    "an input that leads nowhere": (
        lambda: made([x, other], h),
        r"inputs: no output depends on 'other'. Mend: leave it out",
    ),
    "an unnamed input that leads nowhere": (lambda: made([x, Input((2,))], h), r"no output depends on 'input_1'"),
    "the same input twice": (lambda: made([x, x], h), r"inputs: one Input stands in them twice"),
    "two inputs of one name": (
        lambda: made([other, again := Input((4,), name="other")], Add()(other, again)),
        r"name: two inputs are called 'other'; give each its own",
    ),
    "two layers of one name": (
        lambda: made(x, Dense(1, name="hidden")(h)),
        r"name: two layers are called 'hidden'; give each its own",
    ),
    "a layer's output as an input": (
        lambda: made(h, Dense(1)(h)),
        r"inputs: what layer 'hidden' returns was given, expected an Input",
    ),
    "an input as an output": (lambda: made(x, [h, x]), r"outputs: an Input was given, expected what a layer makes"),
    "shapes that do not add": (
        lambda: Add(name="sum")(h, other),
        r"layer 'sum': inputs of shapes \(\(3,\), \(4,\)\) came, expected two or more of one shape",
    ),
    "shapes that do not join": (
        lambda: Concatenate(axis=1, name="join")(Reshape((2, 2))(x), Reshape((4, 1))(x)),
        r"layer 'join': inputs of shapes \(\(2, 2\), \(4, 1\)\) differ in more than axis 1",
    ),
    "one layer on two widths": (
        lambda: made([x, narrow := Input((2,))], Add()(shared(x), shared(narrow))),
        r"layer 'shared': it is used on inputs of shapes .*need different parameters. Mend: make a layer for each",
    ),
}

TYPES = {
    "an output that is no node": (lambda: made(x, "hidden"), r"outputs: 'hidden' was given, expected a node"),
    "an output that is a layer": (lambda: made(x, Dense(3)), r"outputs: Dense\(3\) was given, expected a node"),
    "a list with something else": (lambda: made(x, [h, 3]), r"outputs: 3 was given, expected a node"),
    "an input that is no node": (lambda: made((4,), h), r"inputs: 4 was given, expected a node"),
    "no outputs": (lambda: made(x, []), r"outputs: \[\] was given, expected a node or a list of nodes"),
    "inputs alone": (lambda: Model(x, backend="numpy"), r"outputs: None was given, expected a node"),
    "a dictionary of nodes": (lambda: made({"a": x}, h), r"inputs: .* expected a node or a list of nodes"),
    "a layer called with numbers": (
        lambda: Dense(3, name="first")(A),
        r"layer 'first': it was called with ndarray, expected nodes",
    ),
    "a layer called with a layer": (lambda: Dense(3)(Dense(2)), r"it was called with Dense, expected nodes"),
    "a layer called with nothing": (lambda: Dense(3)(), r"it was called with nothing, expected nodes"),
}

SETTINGS = {
    "a loss for an unknown output": (
        lambda: model({"kind": "sparse_categorical_crossentropy", "sise": "mse"}),
        r"loss: the output: 'sise' is unknown. Did you mean 'size'\? Known: kind, size",
    ),
    "an output without a loss": (lambda: model({"size": "mse"}), r"loss: none was given for the output 'kind'"),
    "too few losses": (lambda: model(["mse"]), r"loss: 1 were given, expected one for each of the outputs 'kind', 's"),
    "no loss": (lambda: model(None), r"loss: none was given"),
    "an unknown loss": (lambda: model(("msee", "mse")), r"loss: 'msee' is unknown. Did you mean 'mse'"),
    "too many weights": (lambda: model(loss_weights=[1, 2, 3]), r"loss_weights: 3 were given, expected one for each"),
    "a negative weight": (
        lambda: model(loss_weights={"size": -1}),
        r"loss_weights: that of 'size': -1 was given, expected a finite number >= 0",
    ),
    "a weight for an unknown output": (lambda: model(loss_weights={"s": 1}), r"loss_weights: the output: 's' is unk"),
    "metrics for an unknown output": (lambda: model(metrics={"s": ["mae"]}), r"metrics: the output: 's' is unknown"),
    "a metric for other targets": (lambda: model(metrics=["r2"]), r"metrics: 'r2' needs targets that are values"),
    "metrics for too few outputs": (lambda: model(metrics=[["accuracy"]]), r"metrics: 1 were given, expected one for"),
    "a metric twice": (lambda: model(metrics={"size": ["mae", "mae"]}), r"metrics: two figures .* called 'size_mae'"),
    "means and sums": (
        lambda: model(("sparse_categorical_crossentropy", MeanSquaredError(reduction="sum"))),
        r"loss: the reductions are 'mean' for 'kind' and 'sum' for 'size', expected one for all",
    ),
    "probabilities from a linear output": (
        lambda: model("sparse_categorical_crossentropy"),
        r"loss of 'size': SparseCategoricalCrossentropy takes probabilities, but the last activation is 'linear'",
    ),
    "logits from a softmax": (
        lambda: model((SparseCategoricalCrossentropy(from_logits=True), "mse")),
        r"loss of 'kind': .*from_logits=True\) was given, but the last activation is 'softmax'",
    ),
}

DATA = {
    "one array for two inputs": (lambda: fit(A), r"x: one ndarray came, expected a list of 2 arrays, for 'left', 'rig"),
    "three arrays for two inputs": (lambda: fit([A, B, A]), r"x: 3 arrays came, expected a list of 2 arrays"),
    "one array for two outputs": (lambda: fit(y=KIND), r"y: one ndarray came, expected a list of 2 arrays, for 'kind'"),
    "an unknown input": (lambda: fit({"left": A, "rihgt": B}), r"x: 'rihgt' is unknown. Did you mean 'right'"),
    "an unknown output": (lambda: fit(y={"kind": KIND, "siz": SIZE}), r"y: 'siz' is unknown. Did you mean 'size'"),
    "an input without an array": (lambda: fit({"left": A}), r"x: nothing came for 'right'; expected arrays for 'left'"),
    "an input of another width": (lambda: fit([A, A]), r"x\['right'\]: .*\(6, 4\) came.*'concatenate' expects"),
    "inputs in the wrong order": (lambda: fit([B, A]), r"x\['left'\]: an array of shape \(6, 3\) came"),
    "different numbers of rows": (
        lambda: fit([A, B[:4]]),
        r"x\['right'\]: 4 rows came for 6 samples in x\['left'\]; expected one for each",
    ),
    "fewer rows in a target": (lambda: fit(y=[KIND, SIZE[:5]]), r"y\['size'\]: 5 rows came for 6 samples in x"),
    "a label too high": (lambda: fit(y=[KIND + 1, SIZE]), r"y\['kind'\]: classes from 1 to 3 came"),
    "NaN in an input": (lambda: fit([A, B * np.nan]), r"x\['right'\]: 18 values are NaN or infinite"),
    "beyond float32": (lambda: fit([A, B * 1e39]), r"x\['right'\]: values up to 1e\+39 came"),
    "a validation input": (
        lambda: fit(validation_data=([A, A], [KIND, SIZE])),
        r"validation x\['right'\]: an array of shape \(6, 4\) came",
    ),
    "weights for each output": (lambda: fit(sample_weight=[SIZE, SIZE]), r"sample_weight: shape \(2, 6\) came; expect"),
    "class weights": (
        lambda: fit(class_weight={0: 2.0}),
        r"class_weight: the model has 2 outputs, and a sample has a class in each. Mend: sample_weight",
    ),
    "predict of one array": (lambda: model().predict(A), r"x: one ndarray came, expected a list of 2 arrays"),
    "evaluate of one target": (lambda: model().evaluate([A, B], SIZE), r"y: one ndarray came"),
    "a dictionary for one input": (
        lambda: Sequential([Input((4,)), Dense(1)], backend="numpy").predict({"x": A}),
        r"x: 'x' is unknown. .*Known: input",
    ),
}


def words(numbers, use="predict"):
    network = Sequential([Input((2,)), Embedding(10, 3, name="words"), Flatten(), Dense(1)], backend="numpy")
    network.compile("sgd", "mse")
    arguments = [np.array(numbers)] + ([np.ones(len(numbers))] if use != "predict" else [])
    return getattr(network, use)(*arguments)


EXPECTS = r"came at \(1, 0\), but layer 'words' expects whole numbers from 0 to 9, the rows of its table"
NUMBERS = {
    "too large": (lambda: words([[0, 9], [10, 1]]), r"x: 10 " + EXPECTS),
    "negative": (lambda: words([[0, 9], [-1, 1]], "fit"), r"x: -1 " + EXPECTS),
    "not whole": (lambda: words([[0, 9], [1.5, 1]], "evaluate"), r"x: 1.5 " + EXPECTS),
    "negative and not whole": (lambda: words([[0, 9], [-0.5, 1]], "train_on_batch"), r"x: -0.5 " + EXPECTS),
    "not a number": (lambda: words([[0, 9], [np.nan, 1]]), r"x: 1 values are NaN"),
}


CASES = GRAPHS | SETTINGS | DATA | NUMBERS


@pytest.mark.parametrize(("wrong", "message"), CASES.values(), ids=CASES)
def test_one_clear_error(wrong, message):
    with pytest.raises(ValueError, match=r"(?s)" + message):
        wrong()


@pytest.mark.parametrize(("wrong", "message"), TYPES.values(), ids=TYPES)
def test_something_of_another_kind(wrong, message):
    with pytest.raises(TypeError, match=r"(?s)" + message):
        wrong()


def test_numbers_within_the_table_are_taken():
    assert words([[0, 9]]).shape == (1, 1)
    assert words([[0.0, 9.0]]).shape == (1, 1)


def test_a_node_cannot_be_changed_into_a_cycle():
    with pytest.raises(AttributeError):
        h.inputs = (h,)
