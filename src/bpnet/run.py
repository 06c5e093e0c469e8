"""A call of `fit`, once its arguments are checked: where the data lie, and what brings them to the steps.

On the device x holds all samples, and an epoch has an order of them. On the host it is another matter: there x of the
device holds one batch, which is brought before each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import TYPE_CHECKING, Any

from bpnet.data.fingerprint import fingerprint
from bpnet.data.random import epoch_order, in_turn
from bpnet.data.samples import Samples
from bpnet.nn.lbfgs import BoundLBFGS
from bpnet.resume import resumed
from bpnet.training.callbacks import Callback
from bpnet.training.communicator import Communicator
from bpnet.training.course import Course
from bpnet.training.feed import feed
from bpnet.training.fit import Training
from bpnet.training.history import History
from bpnet.training.out_of_memory import OutOfMemoryError, because, explained, free_memory, is_out_of_memory, let_go
from bpnet.training.ranks import Share
from bpnet.training.step import Batch

if TYPE_CHECKING:
    from bpnet.models import Model

SHARE = 0.8
"""Of the memory that is free, for the data: the steps need some too."""

SMALL = 1 << 24
"""Bytes of data for which it is not asked what is free: that takes as long as a few steps."""


@dataclass(frozen=True)
class Run:
    """What a call of `fit` asks for, but for the data."""

    model: Model
    epochs: int
    length: int
    """Samples of an epoch."""
    batch_size: int
    micro_batch: int | str | None
    callbacks: list[Callback]
    measured: int
    """The batch size for validation."""
    resume: str | PathLike[str] | None = None
    """The checkpoint, or the folder of checkpoints, that it goes on from."""
    others: Communicator | None = None
    """The processes that share the run."""

    def on_arrays(self, data: Samples, held_out: Samples | None, shuffle: bool, data_on: str | None) -> History:
        """Train on `data`, which are on the host or the device, or wherever there is room (None)."""
        model = self.model
        if data_on == "host" and isinstance(model.bind()[1], BoundLBFGS):
            raise ValueError(
                "data_on: 'host' was given, but LBFGS needs all samples on the device at once. Mend: another optimizer"
            )
        if self.others is not None and isinstance(model.bind()[1], BoundLBFGS):
            raise ValueError(
                "distributed: LBFGS was given, which evaluates all samples in one process. Mend: another optimizer, "
                "or fit without distributed"
            )
        course = self._course(data, held_out, {"shuffle": bool(shuffle)})
        if course.is_over:
            return course.history

        def rows(epoch: int) -> Any:
            return epoch_order(model.seed, epoch, len(data), self.length, shuffle=shuffle)

        def batches(epoch: int) -> Iterator[Samples]:
            order = rows(epoch)
            for start in range(0, self.length, self.batch_size):
                rows_of_batch = order[start : start + self.batch_size]
                yield data.part(rows_of_batch[self.share(len(rows_of_batch))])

        with explained("fit", model.backend):
            put = self._put([data] if held_out is None else [data, self._own_part(held_out)], data_on)
            if put is None:
                return self._from_host(course, data, held_out, batches)
            model.stop_training = False
            training = model.training(put[0], self.length, self.batch_size, self._parts(course), others=self.others)
            with training as run, self._measurement(held_out, put[-1]) as measure:
                course.micro_batch = run.micro_batch

                def order(epoch: int) -> Any:
                    model.epochs_seen = course.first_epoch + epoch + 1
                    return model.backend.asarray(rows(course.first_epoch + epoch), "int64")

                return run.run(course, order=order, validate=_named(measure))

    def on_batches(
        self,
        data: Samples,
        held_out: Samples | None,
        batches: Callable[[int], Iterator[Samples]],
        same: Mapping[str, Any],
        rows: int | None = None,
    ) -> History:
        """Train on `batches(epoch)`, of epochs as the model counts them; of each the rows that `share` tells.

        `data` has all samples of a pass, or some of its `rows` samples.

        `same` is what a resumed run must have in common with the one before, besides `data`.
        """
        course = self._course(data, held_out, same)
        if course.is_over:
            return course.history
        with explained("fit", self.model.backend):
            return self._from_host(course, data, held_out, batches, rows)

    def _course(self, data: Samples, held_out: Samples | None, same: Mapping[str, Any]) -> Course:
        """A new run, or the one that is resumed."""
        model = self.model
        only_writes = self.others is None or self.others.rank == 0
        callbacks = [callback for callback in self.callbacks if callback.steers or only_writes]
        course = Course(callbacks, self.epochs, self.length, first_epoch=model.epochs_seen)
        course.same = {
            "seed": model.seed,
            "dtype": model.dtype,
            "samples": len(data),
            "batch_size": self.batch_size,
            "samples of an epoch": self.length,
            "micro_batch": self.micro_batch,
            "validation samples": None if held_out is None else len(held_out),
            **same,
            "checksum of the data": fingerprint(data),
            "checksum of the validation data": None if held_out is None else fingerprint(held_out),
        }
        if self.resume is not None:
            course = resumed(self.resume, model, course)
        if self.others is not None:
            from bpnet.distributed import agree
            from bpnet.formats.alike import facts

            agree(self.others, facts(model, course, data, held_out))
        return course

    def share(self, samples: int) -> slice:
        """Which rows of a batch of so many this process learns from."""
        return slice(0, samples) if self.others is None else Share.of(self.others, samples).rows

    def _own_part(self, held_out: Samples) -> Samples:
        """The held-out samples that this process measures on: together the processes measure on all, once."""
        if self.others is None:
            return held_out
        part = Share.of(self.others, len(held_out))
        return held_out.part(slice(part.start, part.stop))

    def _parts(self, course: Course) -> int | str | None:
        """The parts of a batch: "auto" may find others than before, which round otherwise; they stay as they were."""
        found_before = self.micro_batch == "auto" and course.resumed_from is not None
        return course.micro_batch if found_before else self.micro_batch

    def _from_host(
        self,
        course: Course,
        data: Samples,
        held_out: Samples | None,
        batches: Callable[[int], Iterator[Samples]],
        rows: int | None = None,
    ) -> History:
        model, first = self.model, course.first_epoch
        sizes = {min(self.batch_size, self.length), self.length % self.batch_size or self.batch_size}
        shares = [self.share(size) for size in sizes]
        size = max(share.stop - share.start for share in shares)
        buffers = model.put(data.part(in_turn(size, len(data))))  # the batches replace what they hold
        model.stop_training = False
        done, begun, left = len(course.history.epoch), course.batches, course.missing

        def begin(epoch: int) -> Any:
            model.epochs_seen = first + epoch + 1
            return run.data.order

        def missing() -> Iterator[tuple[Any, Any, Any]]:
            for epoch in left:
                for batch in islice(batches(first + epoch), begun if epoch == done else 0, None):
                    yield batch.x, batch.y, batch.weight

        parts, rows = self._parts(course), rows or len(data)
        training = model.training(buffers, self.length, self.batch_size, parts, rows, self.others)
        with training as run, self._measurement(held_out) as measure:
            assert isinstance(run, Training)  # LBFGS was refused before
            course.micro_batch = run.micro_batch
            count = len(left) * -(-self.length // self.batch_size) - begun
            with feed(model.backend, run.data, lambda batch: model.put(Samples(*batch)), missing(), count) as bring:
                return run.run(course, order=begin, validate=_named(measure), bring=bring)

    def _measurement(self, held_out: Samples | None, put: Batch | None = None) -> Any:
        if held_out is None:
            return nullcontext(None)
        kind = self.measured, put, "validation_batch_size"
        if self.others is None:
            return self.model.measurement(held_out, *kind)
        return self.model.measurement(self._own_part(held_out), *kind, (self.others, len(held_out)))

    def _put(self, parts: list[Samples], data_on: str | None) -> list[Batch] | None:
        """The data on the device, or None where they are to stay on the host."""
        model = self.model
        must = data_on == "device" or isinstance(model.bind()[1], BoundLBFGS)
        needed = sum(part.numbers for part in parts) * (8 if model.dtype == "float64" else 4)
        free = free_memory(model.backend) if needed > SMALL else None
        if data_on == "host" or (not must and free is not None and needed > SHARE * free):
            return None
        try:
            return [model.put(part) for part in parts]
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            let_go(error)
            model.forget_runs()
            if not must:
                return None
            mend = "data_on='host'" if data_on == "device" else "an optimizer that learns from batches"
            raise OutOfMemoryError(
                f"data_on: the data need {needed:,} bytes on the device, and the memory is not enough "
                f"{because(error, free)}, whatever the batch size. Mend: {mend}",
                free=free,
            ) from error


def together(distributed: str | Communicator | None) -> Communicator | None:
    """The processes that `fit(distributed=…)` asks for; None where there is one."""
    if distributed is None:
        return None
    from bpnet.distributed import communicator

    return communicator(distributed)


def _named(measure: Callable[[], dict[str, float]] | None) -> Callable[[], dict[str, float]] | None:
    """The figures as those of held-out data, if there are any."""
    if measure is None:
        return None
    return lambda: {f"val_{name}": value for name, value in measure().items()}
