"""The thread that makes batches ends whenever training does, and what goes wrong in it is told by `fit`."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from bpnet import SGD, Callback, Dense, Flatten, ImageDataGenerator, Input, Sequential, TrainingDivergedError
from bpnet.training.prefetch import WAITING, Prefetch

X, Y = np.random.default_rng(0).normal(size=(60, 4, 4, 1)), np.arange(60.0) / 60


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "bpnet-prefetch"]


def model(rate=0.01):
    made = Sequential([Input((4, 4, 1)), Flatten(), Dense(1)], backend="numpy")
    made.compile(SGD(rate), "mse")
    return made


def flow(**settings):
    return ImageDataGenerator(vertical_flip=True, **settings).flow(X, Y, batch_size=5)


def test_all_items_in_their_order_and_no_more():
    with Prefetch(range(20)) as prefetch:
        assert [prefetch.next() for _ in range(20)] == list(range(20))
        for _ in range(2):
            with pytest.raises(RuntimeError, match="one more item was asked for"):
                prefetch.next()


def test_no_more_than_a_few_are_made_ahead():
    made = []
    with Prefetch(made.append(number) or number for number in range(100)) as prefetch:
        prefetch.next()
        deadline = time.monotonic() + 10
        while len(made) < WAITING + 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.02)
        assert len(made) == WAITING + 2, "one taken, a queue full, one in the thread's hand"
    assert len(made) <= WAITING + 3


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_the_thread_ends_with_the_block(taken):
    with Prefetch(iter(int, 1)) as prefetch:
        for _ in range(taken):
            prefetch.next()


def test_an_exception_comes_after_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise KeyError("three")

    with Prefetch(items()) as prefetch:
        assert [prefetch.next(), prefetch.next()] == [1, 2]
        for _ in range(2):
            with pytest.raises(KeyError, match="three"):
                prefetch.next()


def test_an_exception_where_an_image_is_made_is_raised_by_fit():
    calls = []

    def fails(image):
        calls.append(1)
        if len(calls) == 32:
            raise OSError("the image is gone")
        return image

    made, batches = model(), []

    class Counts(Callback):
        def on_batch_end(self, batch, samples):
            batches.append(batch)

    with pytest.raises(OSError, match="the image is gone"):
        made.fit(flow(preprocessing_function=fails), epochs=3, verbose=0, callbacks=[Counts()])
    assert batches == [0, 1, 2, 3, 4, 5]


def test_an_exception_in_training_ends_the_thread():
    class Fails(Callback):
        def on_batch_end(self, batch, samples):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        model().fit(flow(), epochs=50, verbose=0, callbacks=[Fails()])


def test_ctrl_c_ends_training_after_the_step_at_hand():
    class PressCtrlC(Callback):
        def on_epoch_begin(self, epoch):
            self.epoch = epoch

        def on_batch_end(self, batch, samples):
            if (self.epoch, batch) == (1, 3):
                os.kill(os.getpid(), signal.SIGINT)

    made = model()
    history = made.fit(flow(), epochs=50, verbose=0, callbacks=[PressCtrlC()])
    assert history.interrupted
    assert history.epoch == [0]
    assert made.network.backend.to_numpy(made.bind()[1].t) == 12 + 4


def test_a_second_ctrl_c_ends_it_at_once():
    class PressesTwice(Callback):
        def on_batch_end(self, batch, samples):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        model().fit(flow(), epochs=50, verbose=0, callbacks=[PressesTwice()])


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_a_run_that_diverges_keeps_the_good_weights():
    made = model(rate=1e18)
    before = made.get_weights()
    with pytest.raises(TrainingDivergedError, match=r"epoch 1, batch 3\.") as caught:
        made.fit(flow(), epochs=5, verbose=0)
    assert caught.value.epoch == 1
    for ours, theirs in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_fit_on_a_flow_works_in_another_thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(model().fit(flow(), epochs=2, verbose=0)))
    thread.start()
    thread.join()
    assert seen[0].epoch == [0, 1]
