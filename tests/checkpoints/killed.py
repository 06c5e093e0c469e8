"""A program that trains and is killed by SIGKILL: `python killed.py FOLDER WHEN`; without WHEN it comes to its end."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

from bpnet import Adam, Callback, Dense, Dropout, Input, ModelCheckpoint, Sequential
from bpnet.formats import atomic

RNG = np.random.default_rng(9)
X, Y = RNG.normal(size=(60, 5)), RNG.normal(size=60)
EPOCHS = 6


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class InABatch(Callback):
    def on_epoch_begin(self, epoch: int) -> None:
        self.epoch = epoch

    def on_batch_end(self, batch: int, samples: int) -> None:
        if (self.epoch, batch) == (3, 2):
            kill()


def half_written(count: int = 7) -> None:
    """In the writing of the fourth epoch's: a part of it is there, under its temporary name."""
    left = [count]

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if not left[0]:
            os.ftruncate(descriptor, 100)
            kill()

    atomic.os.fsync = fsync  # type: ignore[attr-defined]


def make() -> Sequential:
    made = Sequential([Input((5,)), Dense(8, "relu"), Dropout(0.2), Dense(1)], backend="numpy", seed=4)
    made.compile(Adam(0.01), "mse")
    return made


def train(folder: Path, *callbacks: Callback) -> Sequential:
    made = make()
    made.fit(
        X, Y, 16, EPOCHS, verbose=0, resume=folder, callbacks=[ModelCheckpoint(folder, save_best=False), *callbacks]
    )
    return made


if __name__ == "__main__":
    if sys.argv[2] == "half-written":
        half_written()
    train(Path(sys.argv[1]), *([InABatch()] if sys.argv[2] == "in a batch" else []))
