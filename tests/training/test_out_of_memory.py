"""Too little memory, in a step, a measurement or a prediction: one error says what fits, and the model goes on."""

import numpy as np
import pytest

import bpnet
from bpnet import Adam, BatchNormalization, Dense, Dropout, GaussianNoise, Input, Sequential
from bpnet.nn.layer import Layer
from bpnet.training.out_of_memory import largest
from training.recorder import Recorder

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(50, 4)), RNG.integers(0, 3, 50)
REPLAYING = pytest.mark.parametrize("spec", ["numpy", "numba", "torch:cpu"])


class Limited(Layer):
    """Fails on more than so many samples, forward or backward, as a device without room would."""

    def __init__(self, most, error=MemoryError, backward=False):
        super().__init__()
        self.most, self.error, self.at = most, error, backward

    def output_shape(self, *inputs):
        return inputs[0]

    def forward(self, p, *x, train):
        self.check(x[0], False)
        return x[0], None

    def backward(self, p, saved, dy, g, *, need_dx):
        self.check(dy, True)
        return (dy,)

    def check(self, x, backward):
        if backward == self.at and x.shape[0] > self.most:
            raise self.error("Unable to allocate 8 GiB.")


class OutOfMemoryError(RuntimeError):
    """Has the name of PyTorch's and CuPy's."""


class KnowingError(MemoryError):
    free = 12_345


def model(spec, *layers, optimizer=None, **settings):
    first = [Input((4,)), Dense(6, "relu"), Dropout(0.3)]
    made = Sequential([*first, *layers, Dense(3, "softmax")], backend=spec, **settings)
    made.compile(optimizer or Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    return made


def everything(made):
    """All that a step changes and that a later one goes on from."""
    network, optimizer = made.network, made.bind()[1]
    vectors = [network.theta, network.state, network.keys, *optimizer.vectors()]
    return [made.backend.to_numpy(vector) for vector in vectors]


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@REPLAYING
@pytest.mark.parametrize("error", [MemoryError, OutOfMemoryError])
@pytest.mark.parametrize("backward", [False, True])
def test_a_batch_that_is_too_large(spec, error, backward):
    made = model(spec, Limited(6, error, backward))
    before = everything(made)
    with pytest.raises(
        bpnet.OutOfMemoryError,
        match=r"^batch_size: 32 was given, but the memory is not enough \(Unable to allocate 8 GiB"
        r"(; [\d,]+ bytes were free)?\), expected at most 4, for which it is\. "
        r"Mend: batch_size=4, or micro_batch='auto', the same in parts$",
    ) as caught:
        made.fit(X, Y, 32, verbose=0)
    assert caught.value.fits == 4
    assert caught.value.free is None or caught.value.free > 0
    assert isinstance(caught.value, MemoryError)
    assert type(caught.value.__cause__) is error
    assert_same(everything(made), before)
    made.fit(X, Y, caught.value.fits, verbose=0)
    made.fit(X, Y, 32, verbose=0, micro_batch="auto")


def test_the_weights_of_the_last_whole_step_stay():
    """The smaller last batch fails half-way, after the layers before it have moved their statistics."""

    class LastOnly(Limited):
        def check(self, x, backward):
            if x.shape[0] == 2:
                raise MemoryError("no room")

    last, free = LastOnly(0), Limited(1000)
    fails, works = (model("numba", BatchNormalization(), layer) for layer in (last, free))
    with pytest.raises(bpnet.OutOfMemoryError, match=r"batch_size: 2 was given, .* Mend: batch_size=1$"):
        fails.fit(X, Y, 16, verbose=0)
    works.fit(X, Y, 16, verbose=0, steps_per_epoch=3)
    assert_same(everything(fails), everything(works))


def test_an_update_that_fails_half_way_is_taken_back():
    made = model("numpy", optimizer=Adam(0.01, weight_decay=0.1))
    optimizer = made.bind()[1]
    before, update = everything(made), optimizer._update

    def fails(*arguments):
        raise MemoryError("no room for moments")

    optimizer._update = fails
    with pytest.raises(bpnet.OutOfMemoryError, match=r"expected at most 16, .*no|no room for moments"):
        made.fit(X, Y, 32, verbose=0)
    assert_same(everything(made), before)
    optimizer._update = update
    made.fit(X, Y, 32, verbose=0)


def test_not_even_one_sample():
    text = (
        r"batch_size: 32 was given, but the memory is not enough for one sample \(Unable .*\)\. Mend: a smaller network"
    )
    for micro_batch in (None, "auto"):
        with pytest.raises(bpnet.OutOfMemoryError, match=text) as caught:
            model("numpy", Limited(0)).fit(X, Y, 32, verbose=0, micro_batch=micro_batch)
        assert caught.value.fits is None


def test_parts_that_are_too_large():
    with pytest.raises(bpnet.OutOfMemoryError, match=r"micro_batch: 20 was given, .* Mend: micro_batch=5$"):
        model("numpy", Limited(6)).fit(X, Y, 32, verbose=0, micro_batch=20)


def test_data_on_the_host():
    with pytest.raises(bpnet.OutOfMemoryError, match=r"batch_size: 32 was given, .* Mend: batch_size=4, or"):
        model("numpy", Limited(6)).fit(X, Y, 32, verbose=0, data_on="host")


def test_what_is_free_is_told_by_the_error_or_by_the_backend():
    backend = Recorder()
    backend.free_memory = lambda: 99_000
    for error, free in ((KnowingError, 12_345), (MemoryError, 99_000)):
        with pytest.raises(bpnet.OutOfMemoryError, match=rf"; {free:,} bytes were free\)") as caught:
            model(backend, Limited(6, error)).fit(X, Y, 32, verbose=0)
        assert caught.value.free == free


def test_validation_has_a_batch_size_of_its_own():
    made = model("numba", Limited(20))
    with pytest.raises(
        bpnet.OutOfMemoryError, match=r"validation_batch_size: 50 was given, .* Mend: validation_batch_size=13$"
    ):
        made.fit(X, Y, 16, verbose=0, validation_data=(X, Y))
    made.fit(X, Y, 16, verbose=0, validation_data=(X, Y), validation_batch_size=13)


@REPLAYING
def test_evaluate_and_predict(spec):
    made, free = model(spec, Limited(20)), model(spec, Limited(1000))
    for call in (lambda size: made.evaluate(X, Y, batch_size=size), lambda size: made.predict(X, batch_size=size)):
        with pytest.raises(
            bpnet.OutOfMemoryError, match=r"^batch_size: 50 was given, .* Mend: batch_size=13$"
        ) as caught:
            call(None)
        call(caught.value.fits)
    assert_same([made.predict(X, batch_size=10)], [free.predict(X, batch_size=10)])


def test_memory_that_is_not_enough_for_anything_else():
    class Full(Recorder):
        full = False

        def asarray(self, x, dtype):
            if self.full:
                raise MemoryError
            return super().asarray(x, dtype)

    backend = Full()
    made = model(backend)
    backend.full = True
    for call in (made.fit, made.evaluate, made.train_on_batch):
        name = call.__name__
        with pytest.raises(
            bpnet.OutOfMemoryError, match=rf"^{name}: the memory is not enough \(MemoryError\)\. Mend: "
        ):
            call(X, Y)
    with pytest.raises(bpnet.OutOfMemoryError, match=r"^batch_size: 50 was given, .* for one sample \(MemoryError\)"):
        made.predict(X)


def test_other_errors_stay_what_they_are():
    for call in (
        lambda made: made.fit(X, Y, verbose=0),
        lambda made: made.evaluate(X, Y),
        lambda made: made.predict(X),
    ):
        with pytest.raises(RuntimeError, match="Unable") as caught:
            call(model("numpy", Limited(0, RuntimeError)))
        assert type(caught.value) is RuntimeError


def test_the_arrays_of_the_step_that_failed_are_let_go_before_others_are_tried():
    alive = []

    class Holds(Limited):
        def forward(self, p, *x, train):
            held = Counted(len(alive))
            self.check(x[0], False)
            del held
            return x[0], None

    class Counted:
        def __init__(self, before):
            assert before == 0, "what the failed step held is still there"
            alive.append(self.__hash__())

        def __del__(self):
            alive.pop()

    with pytest.raises(bpnet.OutOfMemoryError, match="Mend: batch_size=4"):
        model("torch:cpu", Holds(6)).fit(X, Y, 32, verbose=0)


def test_a_random_layer_draws_on_as_if_nothing_had_happened():
    limited = Limited(6)
    tried, fresh = (model("numpy", GaussianNoise(0.1), limited) for _ in range(2))
    with pytest.raises(bpnet.OutOfMemoryError):
        tried.fit(X, Y, 32, verbose=0, shuffle=False)
    for made in (tried, fresh):
        made.fit(X, Y, 4, verbose=0, shuffle=False, steps_per_epoch=25)  # two passes: the same order at any epoch
    assert_same(everything(tried), everything(fresh))


def test_halves():
    assert largest(33, lambda size: None) == 17
    assert largest(1, lambda size: None) is None
