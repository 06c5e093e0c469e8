"""What `fit`, `evaluate`, `predict` and `train_on_batch` do, on every backend."""

import numpy as np
import pytest

from bpnet import (
    L2,
    SGD,
    Adam,
    Callback,
    Dense,
    ElementwiseActivation,
    ExponentialDecay,
    HalfSumOfSquares,
    Input,
    MeanSquaredError,
    Sequential,
    to_categorical,
)

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 4))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)
VALUES = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3


def classifier(backend="numpy", dtype="float64", seed=0, **settings):
    model = Sequential([Input((4,)), Dense(6, "tanh"), Dense(2, "softmax")], backend=backend, dtype=dtype, seed=seed)
    model.compile(settings.get("optimizer", Adam(0.02)), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def regressor(backend="numpy", optimizer="sgd", loss="mse", dtype="float64", **dense):
    model = Sequential([Dense(1, input_dim=4, **dense)], backend=backend, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def test_the_example_of_the_notes_runs_with_the_import_changed(backend):
    """As one writes it for Keras."""
    model = Sequential(backend=backend)
    model.add(Dense(8, activation="relu", input_dim=4))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(X, LABELS, epochs=3, batch_size=16, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.epoch == [0, 1, 2]
    loss, accuracy = model.evaluate(X, LABELS, verbose=0)
    assert model.evaluate(X, LABELS, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    assert model.predict(X).shape == (50, 1)
    assert len(model.train_on_batch(X, LABELS)) == 2
    model.compile("sgd", "mse")
    assert isinstance(model.evaluate(X, LABELS), float)


def test_to_categorical():
    assert to_categorical([1, 0, 2]).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert to_categorical([1], num_classes=4).shape == (1, 4)
    for wrong in ([0.5], [-1], [3]):
        with pytest.raises(ValueError, match="labels: values from"):
            to_categorical(wrong, num_classes=3)


def test_learns(backend, dtype):
    model = classifier(backend, dtype)
    history = model.fit(X, LABELS, epochs=40, verbose=0).history
    assert history["accuracy"][-1] >= 0.95
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert model.evaluate(X, LABELS, return_dict=True)["accuracy"] == (model.predict(X).argmax(1) == LABELS).mean()


def test_one_epoch_is_the_updates_written_out_by_hand(backend):
    """Three batches of 20, 20 and 10 rows: the last, smaller batch is used, and its mean is over 10 rows."""
    model = regressor(backend, SGD(0.1))
    w, b = (np.array(a) for a in model.get_weights())
    losses = []
    model.fit(X, VALUES, batch_size=20, shuffle=False, verbose=0)
    for rows in (slice(0, 20), slice(20, 40), slice(40, 50)):
        error = X[rows] @ w + b - VALUES[rows, None]
        losses += [float((error**2).mean())] * len(error)
        w = w - 0.1 * 2 * X[rows].T @ error / len(error)
        b = b - 0.1 * 2 * error.mean(axis=0)
    np.testing.assert_allclose(model.get_weights()[0], w, rtol=1e-12)
    np.testing.assert_allclose(model.get_weights()[1], b, rtol=1e-12)
    assert model.history.history["loss"] == [pytest.approx(np.mean(losses), rel=1e-12)]


def test_every_sample_is_used_once_an_epoch_in_a_new_order(backend):
    orders = []

    class Record(Callback):
        def on_epoch_begin(self, epoch):
            orders.append(None)

    model = regressor(backend, SGD(1e-9))
    real = model.backend.asarray

    class Spy:
        def __getattr__(self, name):
            return getattr(backend, name)

        def asarray(self, x, dtype):
            if dtype == "int64" and np.ndim(x) == 1 and len(x) == 50:
                orders.append(np.array(x))
            return real(x, dtype)

    model.backend = Spy()
    model.fit(X, VALUES, epochs=3, verbose=0)
    model.fit(X, VALUES, epochs=1, verbose=0)
    assert [sorted(order) for order in orders] == [list(range(50))] * 4
    assert len({tuple(order) for order in orders}) == 4


def test_the_same_seed_gives_the_same_run_and_another_seed_another(backend):
    runs = [classifier(backend, seed=seed).fit(X, LABELS, epochs=2, verbose=0).history["loss"] for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_two_fits_of_one_epoch_are_one_fit_of_two(backend):
    once = classifier(backend)
    once.fit(X, LABELS, epochs=2, verbose=0)
    twice = classifier(backend)
    twice.fit(X, LABELS, verbose=0)
    twice.fit(X, LABELS, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(once.get_weights(), twice.get_weights(), strict=True))


def test_a_weight_of_two_is_the_sample_twice(backend):
    weights = RNG.integers(1, 4, 50)
    weighted = regressor(backend, SGD(0.01), HalfSumOfSquares(reduction="sum"))
    weighted.fit(X, VALUES, batch_size=50, epochs=3, sample_weight=weights, shuffle=False, verbose=0)
    repeated = regressor(backend, SGD(0.01), HalfSumOfSquares(reduction="sum"))
    many = np.repeat(np.arange(50), weights)
    repeated.fit(X[many], VALUES[many], batch_size=len(many), epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(weighted.get_weights()[0], repeated.get_weights()[0], rtol=1e-11)


def test_class_weights_are_sample_weights_of_the_class(backend):
    by_class = classifier(backend)
    by_class.fit(X, LABELS, epochs=2, class_weight={0: 0.5, 1: 3.0}, verbose=0)
    by_sample = classifier(backend)
    by_sample.fit(X, LABELS, epochs=2, sample_weight=np.where(LABELS == 1, 3.0, 0.5), verbose=0)
    assert np.array_equal(by_class.get_weights()[0], by_sample.get_weights()[0])
    plain = classifier(backend)
    plain.fit(X, LABELS, epochs=2, verbose=0)
    assert not np.array_equal(by_class.get_weights()[0], plain.get_weights()[0])


def test_validation_split_is_the_last_part_and_is_not_learned_from(backend):
    split = regressor(backend)
    split.fit(X, VALUES, epochs=2, validation_split=0.2, verbose=0)
    given = regressor(backend)
    given.fit(X[:40], VALUES[:40], epochs=2, validation_data=(X[40:], VALUES[40:]), verbose=0)
    assert split.history.history == given.history.history
    held_out = split.evaluate(X[40:], VALUES[40:], return_dict=True)["loss"]
    assert split.history.history["val_loss"][-1] == pytest.approx(held_out, rel=1e-12)


def test_steps_per_epoch_goes_through_the_data_again_and_again(backend):
    model = regressor(backend, SGD(0.05))
    model.fit(X, VALUES, batch_size=50, epochs=1, steps_per_epoch=7, shuffle=False, verbose=0)
    other = regressor(backend, SGD(0.05))
    other.fit(X, VALUES, batch_size=50, epochs=7, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], other.get_weights()[0], rtol=1e-12)


def test_the_reported_loss_has_the_penalty_in_training_and_evaluation(backend):
    model = regressor(backend, SGD(1e-12), kernel_regularizer=L2(0.5))
    w = model.get_weights()[0]
    plain = float(((X @ w - VALUES[:, None]) ** 2).mean())
    assert model.evaluate(X, VALUES, return_dict=True)["loss"] == pytest.approx(
        plain + 0.5 * float((w**2).sum()), rel=1e-10
    )
    model.fit(X, VALUES, batch_size=50, verbose=0)
    assert model.history.history["loss"][0] == pytest.approx(plain + 0.5 * float((w**2).sum()), rel=1e-9)


def test_evaluate_does_not_depend_on_its_batch_size(backend):
    for loss in (MeanSquaredError(), MeanSquaredError(reduction="sum")):
        model = regressor(backend, loss=loss)
        whole = model.evaluate(X, VALUES, batch_size=50)
        assert model.evaluate(X, VALUES, batch_size=7) == pytest.approx(whole, rel=1e-12)
        assert model.evaluate(X, VALUES, sample_weight=np.full(50, 2.0)) == pytest.approx(2 * whole, rel=1e-12)


def test_predict_does_not_depend_on_its_batch_size(backend, dtype):
    model = classifier(backend, dtype)
    limit = 1e-14 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(model.predict(X, batch_size=7), model.predict(X), rtol=limit)


def test_train_on_batch_is_one_step_of_fit(backend):
    one = classifier(backend)
    logs = one.train_on_batch(X, LABELS, return_dict=True)
    fitted = classifier(backend)
    fitted.fit(X, LABELS, batch_size=50, shuffle=False, verbose=0)
    assert np.array_equal(one.get_weights()[0], fitted.get_weights()[0])
    expected = {name: values[0] for name, values in fitted.history.history.items()}
    assert logs == pytest.approx(expected, rel=1e-14)  # one rounding: an epoch's mean is a sum divided again


def test_a_schedule_is_followed_step_by_step(backend):
    model = regressor(backend, SGD(ExponentialDecay(0.1, decay_rate=0.5, decay_steps=5)))
    assert model.learning_rate == pytest.approx(0.1)
    model.fit(X, VALUES, batch_size=10, epochs=2, verbose=0)
    assert model.learning_rate == pytest.approx(0.1 * 0.5 ** (10 / 5), rel=1e-12)
    model.learning_rate = 1.0
    assert model.learning_rate == pytest.approx(0.25, rel=1e-12)


def test_a_callback_can_stop_training_and_change_the_learning_rate():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.learning_rate = 0.5
            self.model.stop_training = epoch == 2

    model = regressor()
    assert len(model.fit(X, VALUES, epochs=10, verbose=0, callbacks=[Stop()]).epoch) == 3
    assert model.learning_rate == 0.5
    assert len(model.fit(X, VALUES, epochs=2, verbose=0).epoch) == 2, "a new fit does not remember the stop"


def test_weights_go_from_one_backend_to_another(backend):
    source, target = classifier(), classifier(backend, seed=9)
    target.set_weights(source.get_weights())
    np.testing.assert_allclose(target.predict(X), source.predict(X), rtol=1e-12)


def test_class_weights_do_not_weigh_the_validation(backend):
    plain, weighed = classifier(backend, optimizer=SGD(1e-12)), classifier(backend, optimizer=SGD(1e-12))
    plain.fit(X, LABELS, validation_split=0.4, verbose=0)
    weighed.fit(X, LABELS, validation_split=0.4, class_weight={0: 10.0}, verbose=0)
    assert weighed.history.history["val_loss"][0] == pytest.approx(plain.history.history["val_loss"][0], rel=1e-9)
    assert weighed.history.history["loss"][0] > 2 * plain.history.history["loss"][0]


@pytest.mark.parametrize("regularizer", [None, "l2"])
@pytest.mark.parametrize("settings", [{}, {"steps_per_epoch": 10}, {"batch_size": 64}])
def test_a_sum_is_reported_for_one_pass_whatever_the_batches(backend, settings, regularizer):
    model = regressor(backend, SGD(1e-15), MeanSquaredError(reduction="sum"), kernel_regularizer=regularizer)
    model.fit(X, VALUES, validation_data=(X, VALUES), shuffle=False, verbose=0, **({"batch_size": 10} | settings))
    logs = model.history.history
    assert logs["loss"][0] == pytest.approx(logs["val_loss"][0], rel=1e-9)


def test_without_shuffling_an_epoch_goes_on_where_the_last_one_ended():
    a, b = regressor(), regressor()
    a.fit(X, VALUES, batch_size=10, epochs=4, steps_per_epoch=3, shuffle=False, verbose=0)
    b.fit(X, VALUES, batch_size=10, epochs=1, steps_per_epoch=12, shuffle=False, verbose=0)
    np.testing.assert_allclose(a.get_weights()[0], b.get_weights()[0], rtol=1e-12)


def test_clipping_by_the_norm_works_for_gradients_whose_squares_overflow(backend):
    for scale in (1e20, 1e-3):
        model = Sequential([Input((1,)), Dense(2, use_bias=False)], backend=backend, dtype="float32")
        model.compile(SGD(1.0, global_clipnorm=1.0), "mse")
        optimizer = model.bind()[1]
        before = model.get_weights()[0]
        optimizer.grad[...] = backend.asarray([scale, scale], "float32")
        optimizer.step()
        moved = before - model.get_weights()[0]
        np.testing.assert_allclose(moved, np.full((1, 2), min(scale, np.sqrt(0.5))), rtol=1e-3)


def test_only_the_real_softmax_is_fused_with_its_loss():
    def hard(xp):
        return lambda z: xp.minimum(xp.maximum(0.2 * z + 0.5, 0.01), 0.99), lambda y: 0.2 * xp.sign(y * (1 - y))

    layers = [Input((4,)), Dense(1, ElementwiseActivation("sigmoid", hard))]
    model = Sequential(layers, backend="numpy", dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    p = model.predict(X)[:, 0]
    expected = -np.mean(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p))
    assert model.evaluate(X, LABELS) == pytest.approx(expected, rel=1e-12)
