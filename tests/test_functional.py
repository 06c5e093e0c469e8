"""`Model(inputs, outputs)`: what goes in and comes out, by place and by name, on every backend."""

import numpy as np
import pytest

import bpnet
from bpnet import L2, SGD, Add, Callback, Concatenate, Dense, Embedding, Flatten, Input, Model, Sequential
from bpnet.nn.metrics import BinaryAccuracy

RNG = np.random.default_rng(5)
LEFT, RIGHT = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 3))
KIND, SIZE = RNG.integers(0, 3, 50), RNG.normal(size=50)
WEIGHT = RNG.uniform(0.0, 2.0, 50)
X, Y = [LEFT, RIGHT], [KIND, SIZE]


def two_by_two(backend="numpy", loss_weights=None, optimizer="sgd", penalty=0.0, **settings):
    left, right = Input((4,), name="left"), Input((3,), name="right")
    h = Dense(5, "tanh", kernel_regularizer=L2(penalty))(left)
    merged = Add()([h, Dense(5)(right)])
    outputs = [Dense(3, "softmax", name="kind")(merged), Dense(1, name="size")(Concatenate()(merged, h))]
    model = Model([left, right], outputs, backend=backend, dtype="float64", **settings)
    model.compile(
        optimizer,
        ["sparse_categorical_crossentropy", "mse"],
        metrics={"kind": "accuracy", "size": ["mae"]},
        loss_weights=loss_weights,
    )
    return model


def by_hand(model, x, y, weight, loss_weights, penalty):
    """The figures of `evaluate`, from what `predict` gives."""
    p, size = model.predict(x)
    rows = np.arange(len(p))
    of_kind = np.mean(weight * -np.log(p[rows, y[0]]))
    of_size = np.mean(weight * (size[:, 0] - y[1]) ** 2)
    w = model.get_weights()[0]
    return {
        "loss": loss_weights[0] * of_kind + loss_weights[1] * of_size + penalty * np.sum(w * w),
        "kind_loss": of_kind,
        "size_loss": of_size,
        "kind_accuracy": np.sum(weight * (p.argmax(1) == y[0])) / np.sum(weight),
        "size_mae": np.sum(weight * np.abs(size[:, 0] - y[1])) / np.sum(weight),
    }


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_evaluate_gives_the_figures_computed_by_hand(backend, weight, batch_size):
    model = two_by_two(backend, loss_weights=[0.5, 2.0], penalty=0.3)
    found = model.evaluate(X, Y, sample_weight=weight, batch_size=batch_size, return_dict=True)
    expected = by_hand(model, X, Y, np.ones(50) if weight is None else weight, (0.5, 2.0), 0.3)
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=1e-12)
    assert model.evaluate(X, Y, sample_weight=weight, batch_size=batch_size) == list(found.values())


def test_the_figures_of_fit_and_train_on_batch_are_those_of_evaluate(backend):
    """One batch an epoch, and a rate so small that the weights stay."""
    for penalty in (0.0, 0.3):
        model = two_by_two(backend, {"size": 0.25}, SGD(1e-15), penalty)
        model.fit(X, Y, batch_size=50, validation_data=(X, Y), sample_weight=WEIGHT, verbose=0)
        logs = {name: values[0] for name, values in model.history.history.items()}
        expected = by_hand(model, X, Y, WEIGHT, (1.0, 0.25), penalty)
        plain = by_hand(model, X, Y, np.ones(50), (1.0, 0.25), penalty)
        assert logs == pytest.approx(expected | {f"val_{name}": value for name, value in plain.items()}, rel=1e-9)
        assert model.train_on_batch(X, Y, WEIGHT, return_dict=True) == pytest.approx(expected, rel=1e-9)


def test_lists_and_dictionaries_are_the_same(backend):
    a, b = two_by_two(backend), two_by_two(backend)
    a.fit(tuple(X), Y, epochs=2, validation_split=0.3, verbose=0)
    b.fit({"right": RIGHT, "left": LEFT}, {"size": SIZE, "kind": KIND}, epochs=2, validation_split=0.3, verbose=0)
    assert a.history.history == b.history.history
    for ours, theirs in zip(a.predict(X), b.predict({"left": LEFT, "right": RIGHT}), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    c = two_by_two(backend)
    c.fit([part[:35] for part in X], [part[:35] for part in Y], epochs=2, verbose=0,
          validation_data=({"left": LEFT[35:], "right": RIGHT[35:]}, [part[35:] for part in Y]))  # fmt: skip
    assert c.history.history == a.history.history


def test_an_output_that_weighs_nothing_teaches_nothing(backend):
    model = two_by_two(backend, {"kind": 0})
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    names = [layer.name for layer in model.network.graph.layers for _ in layer.parameters((1,))]
    assert moved == [name != "kind" for name in names]
    assert model.history.history["kind_loss"][0] > 0


def test_what_weighs_nothing_may_be_infinite(backend):
    """0 · ∞ is no number, and would end the run."""
    x = Input((4,))
    model = Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)], backend=backend, dtype="float32")
    model.compile("sgd", "mse", loss_weights=[1, 0])
    with np.errstate(over="ignore"):
        history = model.fit(LEFT, [LEFT[:, 0], np.full(len(LEFT), 1e25)], verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert history["b_loss"] == [np.inf]


def test_a_layer_keeps_the_name_that_another_model_knows():
    shared, x, y = Dense(1), Input((4,)), Input((4,))
    first = Model(x, [shared(x), Dense(2)(x)])
    names = first.output_names
    second = Model(y, shared(Dense(4)(y)))
    assert first.output_names == names == ["dense", "dense_1"]
    assert [layer.name for layer in second.network.graph.layers] == ["dense_1", "dense"]


def test_an_output_has_its_own_name_before_another_is_numbered():
    a, b = Input((4,)), Input((4,))
    head, other = Dense(1, name="head"), Dense(1, name="head_1")
    assert Model([a, b], [head(a), head(b), other(a)]).output_names == ["head", "head_2", "head_1"]


def test_one_loss_and_one_list_of_metrics_for_all(backend):
    x = Input((4,))
    model = Model(x, [Dense(1, "sigmoid", name="a")(x), Dense(1, "sigmoid", name="b")(x)], backend=backend)
    model.compile(SGD(0.3), "binary_crossentropy", ["accuracy"])
    y = LEFT[:, :1] > 0
    logs = model.fit(LEFT, [y, ~y], epochs=30, batch_size=5, verbose=0).history
    assert list(logs) == ["loss", "a_loss", "b_loss", "a_accuracy", "b_accuracy"]
    assert logs["a_accuracy"][-1] > 0.9
    assert logs["b_accuracy"][-1] > 0.9
    np.testing.assert_allclose(np.add(logs["a_loss"], logs["b_loss"]), logs["loss"], rtol=1e-6)
    model.compile("sgd", "binary_crossentropy", [[], [BinaryAccuracy(0.3)]])
    assert list(model.evaluate(LEFT, [y, y], return_dict=True))[3:] == ["b_binary_accuracy"]


def test_a_chain_is_a_model_of_one_branch(backend):
    """The same seed, the same numbers, and the history without names."""
    x = Input((4,))
    functional = Model(x, Dense(3, "softmax")(Dense(6, "tanh")(x)), backend=backend, seed=2)
    chain = Sequential([Input((4,)), Dense(6, "tanh"), Dense(3, "softmax")], backend=backend, seed=2)
    for model in (functional, chain):
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(LEFT, KIND, epochs=2, class_weight={0: 2.0}, verbose=0)
    assert functional.history.history == chain.history.history
    assert list(chain.history.history) == ["loss", "accuracy"]
    assert isinstance(functional.predict(LEFT), np.ndarray)
    assert [layer.name for layer in functional.network.graph.layers] == ["dense", "dense_1"]


def test_the_weight_of_the_only_loss_scales_it(backend):
    x = Input((4,))
    models = [Model(x, Dense(1, name="out")(x), backend=backend, dtype="float64") for _ in range(2)]
    models[0].compile(SGD(0.2), "mse")
    models[1].compile(SGD(0.1), "mse", loss_weights={"out": 2.0})
    for model in models:
        model.fit(LEFT, SIZE, verbose=0)
    np.testing.assert_allclose(models[1].get_weights()[0], models[0].get_weights()[0], rtol=1e-12)
    losses = [model.history.history["loss"][0] for model in models]
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-12)


def test_an_output_that_is_used_within_keeps_its_softmax(backend):
    x = Input((4,))
    p = Dense(3, "softmax", name="p")(x)
    model = Model(x, [p, Dense(1, name="of_p")(p)], backend=backend, dtype="float64")
    model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    assert model.bind()[0].fused == [False, False]
    assert bpnet.gradient_check(model, LEFT, Y).ok
    np.testing.assert_allclose(model.predict(LEFT)[0].sum(axis=1), 1.0, rtol=1e-12)


def test_one_layer_may_make_both_outputs(backend):
    a, b = Input((4,)), Input((4,))
    head = Dense(3, "softmax", name="head")
    model = Model([a, b], [head(a), head(b)], backend=backend, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.output_names == ["head", "head_1"]
    assert bpnet.gradient_check(model, {"input": LEFT, "input_1": -LEFT}, [KIND, KIND]).ok
    assert list(model.evaluate([LEFT, LEFT], [KIND, KIND], return_dict=True)) == ["loss", "head_loss", "head_1_loss"]


def test_numbers_of_things_beside_measurements(backend):
    words, sizes = Input((2,), name="words"), Input((3,), name="sizes")
    flat = Flatten()(Embedding(10, 4)(words))
    model = Model([words, sizes], Dense(1)(Concatenate()(flat, sizes)), backend=backend, dtype="float64")
    model.compile("sgd", "mse")
    x = [RNG.integers(0, 10, (50, 2)), RIGHT]
    assert bpnet.gradient_check(model, x, SIZE).ok
    assert model.fit(x, SIZE, epochs=2, verbose=0).history["loss"][1] > 0


def test_other_data_of_the_same_shapes_are_learned_from(backend):
    kept, anew = two_by_two(backend), two_by_two(backend)
    for first in (X, [LEFT[::-1], RIGHT]):
        kept.fit(first, Y, verbose=0)
    assert len(kept._kept._waiting) == 1
    anew.fit(X, Y, verbose=0)
    anew._kept._waiting.clear()
    anew.fit([LEFT[::-1], RIGHT], Y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(kept.get_weights(), anew.get_weights(), strict=True))


def test_progress_names_what_is_held_out(capsys):
    class Names(Callback):
        def on_epoch_end(self, epoch, logs):
            seen.update(logs)

    seen = {}
    x = Input((4,))
    model = Model(x, [Dense(1, name="interval")(x), Dense(1, name="b")(x)], backend="numpy")
    model.compile("sgd", "mse")
    model.fit(LEFT, [SIZE, SIZE], validation_split=0.2, verbose=2, callbacks=[Names()])
    line = capsys.readouterr().out
    assert "  interval_loss " in line
    assert "  held-out interval_loss " in line
    assert list(seen)[:3] == ["loss", "interval_loss", "b_loss"]


def test_summary_says_what_each_layer_takes_in(capsys):
    two_by_two().summary()
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    found = {row[0]: row[-1].strip() for row in rows}
    assert found["layer"] == "takes in"
    assert found["left"] == "0", "an input has no parameters and takes nothing in"
    assert found["add"] == "dense, dense_1"
    assert found["concatenate"] == "add, dense"
    assert found["size"] == "concatenate"
