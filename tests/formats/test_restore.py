"""Training goes on from a restored model as if nothing had been in between."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpnet import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Averaged,
    BatchNormalization,
    CosineDecay,
    Dense,
    Dropout,
    Input,
    Lion,
    Model,
    Nadam,
    RMSprop,
    Sequential,
    Subtract,
)
from bpnet.backend import Backend
from bpnet.formats.container import CheckpointError, Content, from_bytes, to_bytes
from bpnet.loading import model_of
from bpnet.nn.optimizers import OPTIMIZERS, Optimizer

OPTIMIZERS_HERE: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: SGD(0.1, momentum=0.9, nesterov=True, decay=0.01),
    "adam": lambda: Adam(CosineDecay(0.01, decay_steps=40, warmup_steps=3), weight_decay=0.01),
    "adamw": lambda: AdamW(0.01),
    "nadam": lambda: Nadam(0.01),
    "adagrad": lambda: Adagrad(0.1, initial_accumulator_value=0.1),
    "adadelta": lambda: Adadelta(1.0),
    "rmsprop": lambda: RMSprop(0.01, momentum=0.5, centered=True),
    "lion": lambda: Lion(0.01, global_clipnorm=1.0),
    "averaged": lambda: Averaged(Nadam(0.01), decay=0.9),
}

X = np.random.default_rng(0).normal(size=(50, 4))
Y = np.random.default_rng(1).integers(0, 3, 50)


def made(optimizer: Any, backend: Any = "numpy", dtype: str = "float32", seed: int = 0) -> Sequential:
    layers = [Input((4,)), Dense(8, "tanh"), BatchNormalization(), Dropout(0.3), Dense(3, "softmax")]
    model = Sequential(layers, backend=backend, dtype=dtype, seed=seed)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def through_a_file(content: Content) -> Content:
    return from_bytes(to_bytes(content))


def vectors(model: Model) -> list[bytes]:
    network = model.network
    of_optimizer = model.bind()[1].vectors() if model.is_compiled else []
    parts = [network.theta, network.state, network.keys, *of_optimizer]
    return [np.asarray(model.backend.to_numpy(part)).tobytes() for part in parts]


def test_every_optimizer_is_here() -> None:
    assert set(OPTIMIZERS) - {"lbfgs"} == set(OPTIMIZERS_HERE) - {"averaged"}


@pytest.mark.parametrize("name", OPTIMIZERS_HERE)
def test_going_on_is_bit_identical(name: str) -> None:
    """Also with a learning rate that somebody has set, dropout, running statistics, and shuffled batches."""
    straight = made(OPTIMIZERS_HERE[name]())
    straight.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    straight.learning_rate = straight.learning_rate * 0.5
    content = through_a_file(straight.content())
    other = made(OPTIMIZERS_HERE[name](), seed=5)
    other.fit(X[:20], Y[:20], epochs=1, verbose=0)  # what it learned is forgotten
    other.restore(content)
    assert vectors(other) == vectors(straight)
    assert (other.seed, other.epochs_seen, other.history) == (0, 2, straight.history)
    loaded = model_of(content, backend="numpy")
    histories = [model.fit(X, Y, batch_size=16, epochs=2, verbose=0) for model in (straight, other, loaded)]
    assert vectors(other) == vectors(loaded) == vectors(straight)
    assert histories[0] == histories[1] == histories[2]
    assert other.learning_rate == loaded.learning_rate == straight.learning_rate


def test_going_on_is_bit_identical_on_every_backend(backend: Backend, dtype: str) -> None:
    def build() -> Sequential:
        return made(Averaged(Adam(0.01), decay=0.9), backend, dtype)

    straight = build()
    straight.fit(X, Y, batch_size=25, epochs=1, verbose=0)
    other = build()
    other.restore(through_a_file(straight.content()))
    for model in (straight, other):
        model.fit(X, Y, batch_size=25, epochs=1, verbose=0)
    assert vectors(other) == vectors(straight)


def test_a_model_that_is_at_work_is_restored_in_place() -> None:
    """A step that was captured before goes on from what was restored."""
    model = made(Adam(0.01))
    model.fit(X, Y, batch_size=25, epochs=1, verbose=0)
    content = model.content()
    runs = []
    for _ in range(2):
        model.fit(X, Y, batch_size=25, epochs=2, verbose=0)
        runs.append(vectors(model))
        model.restore(content)
    assert runs[0] == runs[1]


def test_the_content_is_a_copy() -> None:
    model = made("sgd")
    content = model.content()
    before = content.arrays["theta"].copy()
    model.fit(X, Y, epochs=1, verbose=0)
    np.testing.assert_array_equal(content.arrays["theta"], before)


def test_lbfgs() -> None:
    def build() -> Sequential:
        model = Sequential([Dense(4, "tanh", input_dim=4), Dense(3, "softmax")], backend="numpy", dtype="float64")
        model.compile(LBFGS(memory=5), "sparse_categorical_crossentropy")
        return model

    straight, other = build(), build()
    straight.fit(X, Y, epochs=3, verbose=0)
    other.restore(through_a_file(straight.content()))
    for model in (straight, other):
        model.fit(X, Y, epochs=3, verbose=0)
    assert vectors(other) == vectors(straight)
    assert straight.content().facts["learning_rate"] is None


def test_what_is_missing_is_taken_from_the_content() -> None:
    """A model without a known input shape, and one that is not compiled."""
    straight = made(Adam(0.01))
    straight.fit(X, Y, epochs=1, verbose=0)
    layers = [Dense(8, "tanh"), BatchNormalization(), Dropout(0.3), Dense(3, "softmax")]
    other = Sequential(layers, backend="numpy")
    other.restore(straight.content())
    assert vectors(other) == vectors(straight)
    assert other.is_compiled


def test_a_model_that_is_not_compiled() -> None:
    def build() -> Sequential:
        return Sequential([Dense(3, input_dim=4)], backend="numpy", seed=1)

    model = build()
    model.network.theta[...] = 0.5
    other = build()
    other.restore(through_a_file(model.content()))
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert not other.is_compiled


def test_another_float_type() -> None:
    model = made("sgd", dtype="float64")
    model.fit(X, Y, epochs=1, verbose=0)
    other = made("sgd", dtype="float32")
    other.restore(model.content())
    np.testing.assert_array_equal(other.network.theta, model.network.theta.astype("float32"))


def chain(*layers: Any) -> Sequential:
    return Sequential([Input((4,)), *layers], backend="numpy")


@pytest.mark.parametrize(
    ("saved", "own", "said"),
    [
        (chain(Dense(3)), chain(Dense(2)), r"units of layer 0 \('dense'\) is 3 in the file and 2 in the model"),
        (chain(Dense(3)), chain(Dropout(0.5)), "layer 0 .* is Dense in the file and Dropout in the model"),
        (chain(Dense(3)), chain(Dense(3), Dense(3)), "the file has 1 layers and the model 2"),
        (chain(Dropout(0.2)), chain(Dropout(0.5)), "rate of .* is 0.2 in the file and 0.5 in the model"),
        (chain(Dense(3, "relu")), chain(Dense(3)), "activation of .*relu.* in the file and Linear"),
    ],
)
def test_another_architecture_is_refused(saved: Sequential, own: Sequential, said: str) -> None:
    before = own.content()
    with pytest.raises(CheckpointError, match=f"architecture: .*{said}.*Mend: "):
        own.restore(through_a_file(saved.content()))
    np.testing.assert_array_equal(own.network.theta, before.arrays["theta"])


def test_another_way_of_joining_is_refused() -> None:
    a, b = Input((4,)), Input((4,))
    models = [Model([a, b], Subtract()(pair), backend="numpy") for pair in ([a, b], [b, a])]
    with pytest.raises(CheckpointError, match="joined in another way"):
        models[1].restore(models[0].content())


def test_other_first_weights_and_names_do_not_matter() -> None:
    model, other = chain(Dense(3)), chain(Dense(3, kernel_initializer="zeros", name="other"))
    other.restore(model.content())
    np.testing.assert_array_equal(other.network.theta, model.network.theta)


@pytest.mark.parametrize(
    ("optimizer", "loss", "said"),
    [
        (SGD(0.1), "mse", "optimizer is Adam in the file and SGD"),
        (Adam(0.1, beta_1=0.5), "mse", "beta_1 of the optimizer is 0.9 in the file and 0.5"),
        (Adam(0.2), "mse", "learning_rate of the optimizer is 0.1 in the file and 0.2"),
        (Adam(0.1), "mae", "loss of the output 'dense' is MeanSquaredError"),
    ],
)
def test_another_way_of_training_is_refused(optimizer: Optimizer, loss: str, said: str) -> None:
    model, other = chain(Dense(3)), chain(Dense(3))
    model.compile(Adam(0.1), "mse")
    other.compile(optimizer, loss)
    with pytest.raises(CheckpointError, match=f"compile: .*{said}.*Mend: "):
        other.restore(model.content())


def test_arrays_that_do_not_fit_are_refused_before_anything_is_written() -> None:
    model = made(Adam(0.1))
    content = model.content()
    for name in ("theta", "state", "keys", "optimizer/0", "optimizer/2"):
        for wrong in (None, np.zeros(3), np.zeros(content.arrays[name].shape, "complex64")):
            arrays = {other: array for other, array in content.arrays.items() if other != name}
            arrays |= {} if wrong is None else {name: wrong}
            arrays["theta" if name != "theta" else "state"] += 1
            before = vectors(model)
            with pytest.raises(CheckpointError, match=f"'{name}'.*Mend: "):
                model.restore(Content("model", arrays, content.facts))
            assert vectors(model) == before


@pytest.mark.parametrize(
    ("fact", "value"),
    [("seed", -1), ("seed", True), ("epochs_seen", "2"), ("history", {"epochs": []}), ("history", {"epoch": ["1"]}),
     ("history", {"history": {"loss": 3}}), ("architecture", {}), ("architecture", 3), ("compile", {"terms": []}),
     ("learning_rate", [])],
)  # fmt: skip
def test_facts_that_cannot_be(fact: str, value: Any) -> None:
    model = made(Adam(0.1))
    content = model.content()
    before = vectors(model)
    with pytest.raises(CheckpointError, match="Mend: "):
        model.restore(Content("model", content.arrays, content.facts | {fact: value}))
    assert vectors(model) == before
    with pytest.raises(CheckpointError, match=f"{fact}.*Mend: "):
        model.restore(
            Content("model", content.arrays, {name: known for name, known in content.facts.items() if name != fact})
        )


def test_provenance() -> None:
    found = made("sgd").content(command="bpnet train digits").facts["provenance"]
    assert set(found) == {"bpnet", "python", "numpy", "backend", "device", "time", "command"}
    assert (found["numpy"], found["backend"], found["command"]) == (np.__version__, "numpy", "bpnet train digits")
    assert "command" not in made("sgd").content().facts["provenance"]
