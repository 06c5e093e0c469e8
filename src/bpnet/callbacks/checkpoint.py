"""A run on the disk, so that it can go on after a crash, Ctrl-C or a power cut."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

from bpnet.callbacks.monitored import Monitored, watched
from bpnet.callbacks.paths import require_file, require_folder
from bpnet.data.arrays import flag, whole_number
from bpnet.formats.atomic import write_bytes
from bpnet.formats.container import Content, to_bytes
from bpnet.formats.course import checkpoint
from bpnet.nn.checks import require_number

EPOCH_FILE = re.compile(r"epoch-([0-9]{4,})\.safetensors")
BEST_FILE = "best.safetensors"

FIRST_GUESS = 0.02
"""Seconds that a checkpoint is taken to need before one was written: flushing it to a disk takes about as long."""
BYTES_A_SECOND = 2e8
"""And so fast are its bytes."""


class ModelCheckpoint(Monitored):
    """Writes checkpoints from which `fit(…, resume=path)` goes on exactly, and which `bpnet.load_model` reads.

    `path` is a folder: every `every` epochs it gets epoch-NNNN.safetensors, of which the last `keep` stay, and with
    `save_best` best.safetensors, from the epoch with the best `monitor`. The best one is held in memory until the next
    of these times, of this callback or another one of this kind, which is also how long a crash may set it back; a
    resumed run comes to it again, but begins anew with the best where `monitor` is another one then. A path that ends
    in `.safetensors` is one file, replaced each time, and no best one.

    The default `monitor`, `val_loss`, is `loss` where nothing is held out; any other has to be a figure of the history.
    Which way is better, `mode` says: "min", "max", or "auto", as for `EarlyStopping`. `share`, 0.05 for instance, puts
    off what `every` asks for until writing has taken at most that share of the time since training began.

    In any case the end of training is written, early or not, and the place where Ctrl-C came, within an epoch too; in a
    run that ends with an error, nothing more. A new file takes the old one's place only when it is whole and on the
    disk; where it cannot be written, training ends with NotWrittenError, and what was there before stays. A run that
    is not resumed removes the files of an earlier run in its folder once its own first checkpoint is on the disk;
    files of other names are never touched.

    With `LBFGS` a checkpoint has the losses and gradients of all evaluations so far besides, one or two vectors like
    theta an iteration, which are in memory too: SciPy does not give its own memory away, but told the same again it
    comes to the same point.
    ValueError, before training: a path that cannot be written, no such figure, an estimator of `bpnet.sklearn`.
    """

    order = 100
    steers = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        monitor: str = "val_loss",
        mode: str = "auto",
        keep: int = 3,
        save_best: bool = True,
        every: int = 1,
        share: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        self.path = Path(path)
        self.keep = whole_number("keep", keep)
        self.every = whole_number("every", every)
        if share is not None:
            require_number("share", share, above=0, below=1)
        self.share = share
        self.is_file = self.path.suffix == ".safetensors"
        self.save_best = flag("save_best", save_best) and not self.is_file
        self._given = monitor
        self._best: Content | None = None
        """The best one, while it waits to be written."""
        self._earlier: dict[int, Path] = {}
        """Checkpoints of this run, by their epochs."""
        self._foreign: list[Path] = []
        """Checkpoints of another run that was here before."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """See whether the path can be written, and what is there."""
        if self.course is None:
            raise ValueError(
                "callbacks: ModelCheckpoint was given to an estimator, but only the run of Model.fit can be resumed. "
                "Mend: warm_start='exact' and pickle"
            )
        missing = self._given == "val_loss" and "val_loss" not in self.figures
        self.monitor = "loss" if missing else self._given
        super().on_train_begin(epochs, samples)
        if self.is_file:
            require_file("path", self.path)
        else:
            require_folder("path", self.path)
            self._look_around()
        self.course.record()
        self._best = None
        self._begun, self._spent = perf_counter(), 0.0
        self._cost = FIRST_GUESS + 4 * 4 * self.model.network.layout.size / BYTES_A_SECOND

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Write, unless the end of training follows, which is written when all have been told of it."""
        begun = perf_counter()
        if self is next(self._alike()):
            self._look(logs)
        is_last = epoch + 1 >= self.course.epochs or self.model.stop_training
        self._spent += perf_counter() - begun
        if not is_last and (epoch + 1) % self.every == 0 and self._has_time():
            self._write()

    def on_interrupt(self) -> None:
        """Write where the run stands."""
        self._write()

    def on_train_end(self) -> None:
        """Write the end."""
        if self.course.complete:
            self._write()

    def state(self) -> dict[str, Any]:
        """The best figure so far."""
        return self.watching() if self.save_best else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Only better ones count, unless another figure is watched now."""
        if self.save_best and self.watches(state):
            self.best = float(state["best"])

    def _has_time(self) -> bool:
        share = self.share
        return share is None or self._spent + self._cost <= share * (perf_counter() - self._begun)

    def _alike(self) -> Iterator[ModelCheckpoint]:
        """All of this kind: what one writes has the best figures of all, so these are looked at together."""
        return (each for each in self.course.callbacks if isinstance(each, ModelCheckpoint))

    def _look(self, logs: Mapping[str, float]) -> None:
        """Is the epoch the best for one of them? Then this one holds it until it is written."""
        improved = []
        for each in self._alike():
            if each.save_best and isfinite(value := watched(each, logs)) and each.better(value, each.best):
                each.best = value
                improved.append(each)
        if improved:
            content = self._content(ended=self.model.stop_training)
            for each in improved:
                each._best = content

    def _content(self, *, ended: bool = False) -> Content:
        """Where the run stands; `ended` where it will be over, but does not know yet."""
        return checkpoint(replace(self.course, ended=ended or self.course.ended), self.model.content())

    def _write(self) -> None:
        begun = perf_counter()
        try:
            data = to_bytes(self._content())
            for each in self._alike():
                each._write_best()
            if self.is_file:
                write_bytes(self.path, data)
            else:
                self._write_in_folder(data)
        except OSError as error:
            error.add_note(f"Training ended here. fit(…, resume={str(self.path)!r}) goes on from the last checkpoint.")
            raise
        self._cost = perf_counter() - begun
        self._spent += self._cost

    def _write_in_folder(self, data: bytes) -> None:
        number = len(self.course.history.epoch) + (1 if self.course.batches else 0)
        path = self.path / f"epoch-{number:04d}.safetensors"
        write_bytes(path, data)
        self._earlier[number] = path
        before = sorted(other for other in self._earlier if other <= number)
        gone = [self._earlier.pop(other) for other in before[: -self.keep]]
        own = (path, self.path / BEST_FILE) if isfinite(self.best) else (path,)
        gone += [other for other in self._foreign if other not in own]
        self._foreign = []
        for other in gone:
            with suppress(FileNotFoundError):
                other.unlink()

    def _write_best(self) -> None:
        """The best ones go first: a checkpoint that knows of them must not be there without them."""
        if self._best is not None:
            write_bytes(self.path / BEST_FILE, to_bytes(self._best))
            self._best = None

    def _look_around(self) -> None:
        """Which of the checkpoints that are there are this run's?"""
        there = {int(name[1]): path for path in self.path.iterdir() if (name := EPOCH_FILE.fullmatch(path.name))}
        resumed_from = self.course.resumed_from
        goes_on = resumed_from is not None and Path(resumed_from).resolve().parent == self.path.resolve()
        self._earlier = there if goes_on else {}
        self._foreign = [] if goes_on else [*there.values(), self.path / BEST_FILE]
