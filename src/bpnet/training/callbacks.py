"""Who is told of a run's progress. A callback may set `model.stop_training`; it is never given a batch's loss,
because reading it would make the host wait for the device inside an epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

from bpnet.constructor import Written
from bpnet.training.history import History, TrainingDivergedError

NEVER_CALLED = (
    "on_batch_begin",
    *(f"on_{what}_batch_{when}" for what in ("train", "test", "predict") for when in ("begin", "end")),
    *(f"on_{what}_{when}" for what in ("test", "predict") for when in ("begin", "end")),
)
"""Methods of Keras that a callback here has no use for: one that has them would not do what it was written for."""


class Callback(Written):
    """Does nothing; override what you need. Epochs and batches are counted from 0.

    Where `on_batch_end` is overridden, it is told of every batch, and steps are asked for one by one. A GPU does many
    small steps in the time of a few calls if none needs to be told; with `in_groups` True a callback is content to be
    told of up to 64 batches at once: the number of the last one, and the samples of all.

    A run that is resumed calls `on_train_begin`, then `restore` with what `state` gave when the checkpoint was written,
    and goes on with `on_epoch_begin` of the epoch that comes next.
    """

    model: Any
    figures: Mapping[str, bool | None] = MappingProxyType({})
    """What the history of the run will have, with whether larger is better; None where its metric does not say."""
    in_groups: bool = False
    order: int = 0
    """Callbacks are told in the order of this number, those of the same number in the order given."""
    steers: bool = True
    """May it change the training? Then a run in which it has a state is not resumed without it, and where processes
    train together each of them has it; what only writes or draws is on rank 0 alone."""
    course: Any = None
    """Where the run stands (`training.course.Course`); None where it is not one of `Model.fit`."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Before the first of `epochs` epochs of `samples` samples."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before the first batch."""

    def on_batch_end(self, batch: int, samples: int) -> None:
        """After the step on a batch of `samples` samples was asked for; the device may still be at it."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """After the last batch; `logs` has the figures that the history gets."""

    def on_interrupt(self) -> None:
        """After Ctrl-C, before `on_train_end`: from where it is now, the run can be resumed."""

    def on_train_end(self) -> None:
        """After the last epoch, also when training was ended early."""

    def on_diverged(self, error: TrainingDivergedError) -> bool:
        """The loss or a weight is no longer finite, and the model has its last good weights. True ends the run here,
        with the history so far; where no callback says so, the error is raised.
        """
        return False

    def state(self) -> dict[str, Any]:
        """What a resumed run needs of this callback: JSON values and NumPy arrays. Asked for after an epoch's end."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave; called after `on_train_begin`."""


@contextmanager
def told(
    callbacks: Sequence[Callback],
    model: Any,
    epochs: int,
    samples: int,
    figures: Mapping[str, bool | None] = MappingProxyType({}),
) -> Iterator[None]:
    """While it lasts, `model` is trained: the callbacks are told of the beginning and, whatever happens, of the end.

    All that were told of the beginning are told of the end, even where one raises an exception.
    """
    begun: list[Callback] = []
    try:
        for callback in callbacks:
            callback.model, callback.figures = model, figures
            callback.on_train_begin(epochs, samples)
            begun.append(callback)
        yield
    finally:
        with ExitStack() as ends:
            for callback in reversed(begun):  # the last one entered is told first
                ends.callback(callback.on_train_end)


@contextmanager
def divergence_told(callbacks: Sequence[Callback], history: History) -> Iterator[None]:
    """Where training diverges, all callbacks are told; where one accepts it, `history` says so, and that is all."""
    try:
        yield
    except TrainingDivergedError as error:
        answers = [callback.on_diverged(error) for callback in callbacks]
        if not any(answers):
            raise
        history.diverged, history.message = True, str(error)


def want_every_batch(callbacks: Sequence[Callback]) -> bool:
    """Does one of them have an `on_batch_end` that is not content with groups of batches?"""
    return any(
        not callback.in_groups and getattr(callback.on_batch_end, "__func__", None) is not Callback.on_batch_end
        for callback in callbacks
    )


def checked(callbacks: Sequence[Callback] | None) -> list[Callback]:
    """The callbacks in the order in which they are told; ValueError names what is none, or waits to be told in vain."""
    if isinstance(callbacks, Callback):
        raise ValueError("callbacks: one callback was given, expected a list of them: [callback]")
    for callback in callbacks or ():
        if not isinstance(callback, Callback):
            raise ValueError(f"callbacks: {callback!r} was given, expected objects derived from bpnet.Callback")
        if said := in_vain(callback):
            raise ValueError(f"callbacks: {said}")
    return in_order(callbacks or ())


def in_vain(callback: Callback) -> str | None:
    """Which method of Keras it has that nobody will call, and the mend; None where it has none."""
    found = [name for name in NEVER_CALLED if hasattr(callback, name)]
    if not found:
        return None
    return (
        f"{type(callback).__name__} has {found[0]}, as in Keras, which is never called here. "
        "Mend: on_batch_end(batch, samples), or on_epoch_begin(epoch) and on_epoch_end(epoch, logs)"
    )


def in_order(callbacks: Iterable[Callback]) -> list[Callback]:
    """By their `order`; those of the same number stay as they are."""
    return sorted(callbacks, key=lambda callback: callback.order)
