"""Ctrl-C ends training after the step at hand, with the history so far."""

import os
import signal
import threading

import numpy as np
import pytest

from bpnet import Callback, Dense, Sequential

X, Y = np.eye(8), np.arange(8.0)


class PressCtrlC(Callback):
    def __init__(self, epoch, batch, times=1):
        self.when, self.times, self.at = (epoch, batch), times, 0

    def on_epoch_begin(self, epoch):
        self.at = epoch

    def on_batch_end(self, batch, samples):
        if (self.at, batch) == self.when:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


def model():
    network = Sequential([Dense(1, input_dim=8)], backend="numpy")
    network.compile("sgd", "mse")
    return network


def test_the_history_so_far_is_returned():
    network = model()
    history = network.fit(X, Y, batch_size=2, epochs=9, verbose=0, callbacks=[PressCtrlC(2, 1)])
    assert history.interrupted
    assert history.epoch == [0, 1]
    assert network.history is history
    updates = network.network.backend.to_numpy(network.bind()[1].t)
    assert updates == 2 * 4 + 2, "the step at hand was finished, and none begun"


def test_at_the_end_of_an_epoch_the_epoch_counts():
    class AtEnd(Callback):
        def on_epoch_end(self, epoch, logs):
            os.kill(os.getpid(), signal.SIGINT)

    history = model().fit(X, Y, epochs=9, verbose=0, callbacks=[AtEnd()])
    assert history.interrupted
    assert history.epoch == [0]


def test_a_second_ctrl_c_interrupts_at_once():
    with pytest.raises(KeyboardInterrupt):
        model().fit(X, Y, epochs=9, verbose=0, callbacks=[PressCtrlC(0, 0, times=2)])


def test_the_usual_handler_is_back_afterwards():
    before = signal.getsignal(signal.SIGINT)
    model().fit(X, Y, verbose=0, callbacks=[PressCtrlC(0, 0)])
    assert signal.getsignal(signal.SIGINT) is before


def test_fit_works_in_another_thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(model().fit(X, Y, epochs=2, verbose=0)))
    thread.start()
    thread.join()
    assert seen[0].epoch == [0, 1]
