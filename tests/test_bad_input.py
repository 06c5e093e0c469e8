"""Each wrong input is one clear error that names the argument, what came and what was expected, before any training."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import bpnet
from bpnet import (
    L2,
    SGD,
    Activation,
    Adam,
    BinaryCrossentropy,
    Callback,
    CategoricalCrossentropy,
    CosineDecay,
    Dense,
    Elu,
    ExponentialDecay,
    Huber,
    Input,
    LeakyRelu,
    MeanSquaredError,
    MulticlassHinge,
    Sequential,
    SparseCategoricalCrossentropy,
    TopKAccuracy,
)

X = np.ones((6, 3))
Y = np.array([0, 1, 0, 1, 0, 1])
ONE_HOT = np.eye(2)[Y]


def model(loss="sparse_categorical_crossentropy", last="softmax", units=2, metrics=()):
    network = Sequential([Input((3,)), Dense(4, "relu", name="hidden"), Dense(units, last)], backend="numpy")
    network.compile("sgd", loss, metrics)
    return network


def fit(x=X, y=Y, loss="sparse_categorical_crossentropy", last="softmax", units=2, **settings):
    network = model(loss, last, units)
    before = network.get_weights()
    try:
        network.fit(x, y, verbose=0, **settings)
    finally:
        assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True)), "it trained"


WITH_NAN = np.where(np.arange(18).reshape(6, 3) == 7, np.nan, 1.0)

DATA = {
    "x of another width": (lambda: fit(np.ones((6, 5))), r"x: .*\(6, 5\) came.*layer 'hidden' expects \(samples, 3\)"),
    "x of one sample": (lambda: fit(np.ones(3)), r"x: an array of shape \(3,\) came.*'hidden'"),
    "x with rows of different lengths": (lambda: fit([[1, 2, 3], [1]]), r"x: rows of different lengths"),
    "x that is no numbers": (lambda: fit([["a", "b", "c"]] * 6), r"x: an array of text came; expected numbers"),
    "text among numbers": (
        lambda: fit([[1.0, 2.0, "a"]] + [[1.0, 2.0, 3.0]] * 5),
        r"x: an array of text came",
    ),
    "an object that is no number": (
        lambda: fit(np.array([[1.0, 2.0, None]] * 6, dtype=object)),
        r"x: None came at \(0, 2\); expected numbers",
    ),
    "no x": (lambda: fit(None), r"x: None came"),
    "no y": (lambda: fit(y=None), r"y: None came"),
    "a sparse x": (lambda: fit(csr_array(X)), r"x: a sparse matrix came.*x.toarray\(\)"),
    "a masked x": (lambda: fit(np.ma.masked_greater(X, 0)), r"x: a masked array came"),
    "class_weight as a word": (lambda: fit(class_weight="balanced"), r"class_weight: 'balanced' was given"),
    "a callback without a list": (lambda: fit(callbacks=Callback()), r"callbacks: one callback was given"),
    "a function as a callback": (lambda: fit(callbacks=[print]), r"callbacks: <built-in function print> was given"),
    "x that is one number": (lambda: fit(3.0), r"x: a single number came"),
    "x beyond float32": (lambda: fit(np.full((6, 3), 1e39)), r"x: values up to 1e\+39 came, but float32 ends at 3.4e"),
    "y beyond float32": (lambda: fit(y=np.full((6, 2), -1e39), loss="mse", last="linear"), r"y: values up to 1e\+39"),
    "empty x": (lambda: fit(np.ones((0, 3)), []), r"x: an empty array of shape \(0, 3\)"),
    "NaN in x": (lambda: fit(WITH_NAN), r"x: 1 values are NaN or infinite, the first at \(2, 1\)"),
    "infinity in x": (lambda: fit(np.full((6, 3), np.inf)), r"x: 18 values are NaN or infinite"),
    "fewer rows in y": (lambda: fit(y=Y[:4]), r"y: 4 rows came for 6 samples"),
    "a label too high": (lambda: fit(y=Y + 1), r"y: classes from 1 to 2 came, but the model has 2 outputs"),
    "a negative label": (lambda: fit(y=Y - 1), r"y: classes from -1 to 0 came"),
    "a label that is no whole number": (lambda: fit(y=Y + 0.5), r"y: the class 0.5 is not a whole number"),
    "class names": (lambda: fit(y=["cat", "dog"] * 3), r"y: class names came, expected numbers.*np.unique"),
    "one-hot rows for labels": (lambda: fit(y=ONE_HOT), r"y: .*\(6, 2\) came.*'categorical_crossentropy'"),
    "labels for one-hot rows": (
        lambda: fit(loss="categorical_crossentropy"),
        r"y: an array of shape \(6,\) came, expected \(6, 2\).*'sparse_categorical_crossentropy'",
    ),
    "rows that are no distribution": (
        lambda: fit(y=ONE_HOT * 0.5, loss="categorical_crossentropy"),
        r"y: row 0 sums to 0.5",
    ),
    "binary targets beyond 1": (
        lambda: fit(y=Y * 2, loss="binary_crossentropy", last="sigmoid", units=1),
        r"y: values from 0 to 2 came, expected values from 0 to 1",
    ),
    "targets of another width": (
        lambda: fit(y=np.ones((6, 3)), loss="mse", last="linear"),
        r"y: an array of shape \(6, 3\) came, expected \(6, 2\)",
    ),
    "NaN in y": (lambda: fit(y=np.full((6, 2), np.nan), loss="mse", last="linear"), r"y: 12 values are NaN"),
    "batch_size 0": (lambda: fit(batch_size=0), r"batch_size: 0 was given, expected a whole number from 1"),
    "batch_size 2.5": (lambda: fit(batch_size=2.5), r"batch_size: 2.5 was given"),
    "epochs 0": (lambda: fit(epochs=0), r"epochs: 0 was given"),
    "epochs True": (lambda: fit(epochs=True), r"epochs: True was given"),
    "steps_per_epoch 0": (lambda: fit(steps_per_epoch=0), r"steps_per_epoch: 0 was given"),
    "validation_split 1": (lambda: fit(validation_split=1.0), r"validation_split: 1.0 was given for 6 samples"),
    "validation_split that leaves nothing": (lambda: fit(validation_split=0.999), r"validation_split"),
    "validation_data of three kinds": (lambda: fit(validation_data=X), r"validation_data: expected a tuple"),
    "validation x": (lambda: fit(validation_data=(X[:, :2], Y)), r"validation x: an array of shape \(6, 2\)"),
    "validation y": (lambda: fit(validation_data=(X, Y + 5)), r"validation y: classes from 5 to 6"),
    "too few weights": (lambda: fit(sample_weight=[1.0]), r"sample_weight: 1 rows came for 6"),
    "negative weights": (lambda: fit(sample_weight=-np.ones(6)), r"sample_weight: weights must be 0 or more"),
    "weights of all zeros": (lambda: fit(sample_weight=np.zeros(6)), r"sample_weight: .*not all 0"),
    "an unknown class": (lambda: fit(class_weight={7: 1.0}), r"class_weight: class 7 is not in y; it has \[0, 1\]"),
    "a negative class weight": (lambda: fit(class_weight={0: -1.0}), r"class_weight: class 0 has the weight -1.0"),
    "class weights without classes": (
        lambda: fit(y=ONE_HOT, loss="mse", last="linear", class_weight={0: 1.0}),
        r"class_weight: the loss has no classes",
    ),
    "verbose 7": (lambda: model().fit(X, Y, verbose=7), r"verbose: 7 was given"),
    "predict another width": (lambda: model().predict(np.ones((2, 4))), r"x: .*\(2, 4\) came.*'hidden'"),
    "evaluate with batch_size 0": (lambda: model().evaluate(X, Y, batch_size=0), r"batch_size: 0"),
    "weights of other shapes": (lambda: model().set_weights([X]), r"weights: arrays of shapes \[\(6, 3\)\] came"),
}

NAMES = {
    "activation": (lambda: Dense(3, "rellu"), r"activation: 'rellu' is unknown. Did you mean 'relu'\?"),
    "loss": (lambda: model("categorical_crosentropy"), r"Did you mean 'categorical_crossentropy'"),
    "metric": (lambda: model(metrics=["acuracy"]), r"metric: 'acuracy' is unknown. Did you mean 'accuracy'"),
    "optimizer": (lambda: model().compile("adm", "mse"), r"optimizer: 'adm' is unknown. Did you mean 'adam'"),
    "initializer": (lambda: Dense(3, kernel_initializer="he_norm"), r"initializer: .*'he_normal'"),
    "regularizer": (lambda: Dense(3, kernel_regularizer="l3"), r"regularizer: 'l3' is unknown"),
    "reduction": (lambda: MeanSquaredError(reduction="avg"), r"reduction: 'avg' is unknown"),
    "backend": (lambda: Sequential(backend="numpi"), r"backend: 'numpi' is unknown. Did you mean 'numpy'"),
    "dtype": (lambda: Sequential(backend="numpy", dtype="float16"), r"dtype: 'float16' is unknown"),
}

SETTINGS = {
    "units 0": (lambda: Dense(0), r"units: 0 was given, expected a whole number from 1"),
    "units 2.0": (lambda: Dense(2.0), r"units: 2.0 was given"),
    "an input as a number": (lambda: Input(4), r"shape: 4 was given, expected whole numbers"),
    "a function as an activation": (
        lambda: Dense(3, np.tanh),
        r"activation: <ufunc 'tanh'> was given",
    ),
    "softmax of one unit": (lambda: Dense(1, "softmax"), r"softmax of one unit is always 1; use 'sigmoid'"),
    "a class for an object": (lambda: model().compile(Adam, "mse"), r"optimizer: the class Adam was given.*Adam\(\)"),
    "no loss": (lambda: model().compile("sgd"), r"loss: none was given"),
    "a learning rate set to 0": (lambda: setattr(model(), "learning_rate", 0), r"learning_rate: 0 was given"),
    "an input without axes": (lambda: Input(()), r"shape: \(\) was given"),
    "an input of size 0": (lambda: Input((0,)), r"shape: \(0,\) was given"),
    "learning rate 0": (lambda: SGD(0), r"learning_rate: 0 was given, expected a finite number > 0"),
    "learning rate NaN": (lambda: Adam(float("nan")), r"learning_rate: nan was given"),
    "learning rate as text": (lambda: Adam("fast"), r"learning_rate: 'fast' was given"),
    "momentum 1": (lambda: SGD(momentum=1.0), r"momentum: 1.0 was given, expected a finite number >= 0 and < 1"),
    "beta": (lambda: Adam(beta_2=1.5), r"beta_2: 1.5"),
    "epsilon": (lambda: Adam(epsilon=0), r"epsilon: 0"),
    "weight decay": (lambda: SGD(weight_decay=-1), r"weight_decay: -1"),
    "clipping": (lambda: SGD(global_clipnorm=0), r"global_clipnorm: 0"),
    "decay and a schedule": (lambda: SGD(ExponentialDecay(0.1, 0.5, 3), decay=0.1), r"decay: a schedule was given"),
    "decay steps": (lambda: CosineDecay(0.1, decay_steps=0), r"decay_steps: 0"),
    "smoothing": (lambda: BinaryCrossentropy(label_smoothing=1.0), r"label_smoothing: 1.0"),
    "delta": (lambda: Huber(delta=0), r"delta: 0"),
    "margin": (lambda: MulticlassHinge(margin=-1), r"margin: -1"),
    "a penalty": (lambda: L2(-0.1), r"l2: -0.1"),
    "a slope": (lambda: LeakyRelu(0), r"negative_slope: 0"),
    "alpha": (lambda: Elu(-1), r"alpha: -1"),
    "top 0": (lambda: TopKAccuracy(0), r"k: 0"),
    "a seed": (lambda: Sequential(backend="numpy", seed=-1), r"seed: -1"),
    "metrics as one word": (lambda: model(metrics="accuracy"), r"metrics: 'accuracy' was given, expected a list"),
    "a metric for other targets": (lambda: model(metrics=["r2"]), r"'r2' needs targets that are values"),
    "probabilities from a linear layer": (
        lambda: model(last="linear"),
        r"the last activation is 'linear'. Mend: end the model with 'softmax', or use .*from_logits=True",
    ),
    "a categorical loss of sigmoids": (
        lambda: model(CategoricalCrossentropy(), last="sigmoid"),
        r"the last activation is 'sigmoid'. Mend: end the model with 'softmax'",
    ),
    "logits from softmax": (
        lambda: model(SparseCategoricalCrossentropy(from_logits=True)),
        r"from_logits=True\) was given, but the last activation is 'softmax'",
    ),
    "the gradient of the step": (
        lambda: fit(y=ONE_HOT, loss="mse", last="step"),
        r"activation 'step' has no gradient",
    ),
    "no layers": (lambda: Sequential([Input((3,))], backend="numpy").network, r"layers: the model has none"),
    "two layers of one name": (
        lambda: Sequential([Dense(1, name="a"), Dense(1, name="a")], backend="numpy"),
        r"two layers are called 'a'",
    ),
    "a layer twice": (lambda: Sequential([layer := Dense(2), layer], backend="numpy"), r"'dense' stands twice"),
    "Input in the middle": (lambda: Sequential([Dense(2), Input((2,))], backend="numpy"), r"first place only"),
    "images into a dense layer": (
        lambda: Sequential([Input((8, 8)), Dense(2, name="first")], backend="numpy").network,
        r"layer 'first': inputs of shape \(\(8, 8\),\) came",
    ),
    "gradient_check of 0 elements": (lambda: bpnet.gradient_check(model(), X, Y, elements=0), r"elements: 0"),
}


@pytest.mark.parametrize(("wrong", "message"), [*DATA.values(), *NAMES.values(), *SETTINGS.values()],
                         ids=[*DATA, *NAMES, *SETTINGS])  # fmt: skip
def test_one_clear_error(wrong, message):
    with pytest.raises(ValueError, match=r"(?s)" + message):
        wrong()


def test_fit_before_compile():
    network = Sequential([Dense(1, input_dim=3)], backend="numpy")
    for use in (network.fit, network.evaluate, network.train_on_batch):
        with pytest.raises(RuntimeError, match=r"not compiled. Mend: call model.compile"):
            use(X, Y)
    with pytest.raises(RuntimeError, match="not compiled"):
        bpnet.gradient_check(network, X, Y)


def test_a_model_of_unknown_input_shape():
    with pytest.raises(RuntimeError, match=r"not built: its input shape is unknown. Mend: begin it with Input"):
        Sequential([Dense(1)], backend="numpy").summary()


def test_adding_to_a_built_model():
    with pytest.raises(RuntimeError, match="built already"):
        model().add(Dense(1))


def test_something_that_is_no_layer():
    with pytest.raises(TypeError, match=r"layers: 'relu' was given, expected a layer"):
        Sequential(["relu"], backend="numpy")


def test_a_layer_on_two_backends():
    layer = Activation("tanh")
    Sequential([Input((2,)), layer], backend="numpy").network  # noqa: B018 - it builds
    with pytest.raises(ValueError, match=r"layer 'activation' is in use on numpy; make a new one for torch"):
        Sequential([Input((2,)), layer], backend="torch:cpu").network  # noqa: B018


def test_binary_crossentropy_of_softmax_is_allowed_and_not_changed_into_logits():
    assert model("binary_crossentropy", last="softmax").bind()[0].fused == [False]
