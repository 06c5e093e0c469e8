"""Who is told of a run's progress. A callback may set `model.stop_training`; it is never given a batch's loss,
because reading it would make the host wait for the device inside an epoch.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tqdm import tqdm


class Callback:
    """Does nothing; override what you need. Epochs and batches are counted from 0.

    Where `on_batch_end` is overridden, it is told of every batch, and steps are asked for one by one. A GPU does many
    small steps in the time of a few calls if none needs to be told; with `in_groups` True a callback is content to be
    told of up to 64 batches at once: the number of the last one, and the samples of all.

    A run that is resumed calls `on_train_begin`, then `restore` with what `state` gave when the checkpoint was written,
    and goes on with `on_epoch_begin` of the epoch that comes next.
    """

    model: Any
    in_groups: bool = False
    order: int = 0
    """Callbacks are told in the order of this number, those of the same number in the order given."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Before the first of `epochs` epochs of `samples` samples."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before the first batch."""

    def on_batch_end(self, batch: int, samples: int) -> None:
        """After the step on a batch of `samples` samples was asked for; the device may still be at it."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """After the last batch; `logs` has the figures that the history gets."""

    def on_train_end(self) -> None:
        """After the last epoch, also when training was ended early."""

    def state(self) -> dict[str, Any]:
        """What a resumed run needs of this callback: JSON values and NumPy arrays. Asked for after an epoch's end."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave; called after `on_train_begin`."""


@contextmanager
def told(callbacks: Sequence[Callback], model: Any, epochs: int, samples: int) -> Iterator[None]:
    """While it lasts, `model` is trained: the callbacks are told of the beginning and, whatever happens, of the end.

    All of them are told of the end, even where one raises an exception.
    """
    for callback in callbacks:
        callback.model = model
        callback.on_train_begin(epochs, samples)
    with ExitStack() as ends:
        for callback in reversed(callbacks):  # the last one entered is told first
            ends.callback(callback.on_train_end)
        yield


def want_every_batch(callbacks: Sequence[Callback]) -> bool:
    """Does one of them have an `on_batch_end` that is not content with groups of batches?"""
    return any(
        not callback.in_groups and getattr(callback.on_batch_end, "__func__", None) is not Callback.on_batch_end
        for callback in callbacks
    )


class ProgressBar(Callback):
    """One bar over all epochs: the epoch, the samples per second, the loss and the last metric, held out if it is."""

    in_groups = True

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Draw the empty bar."""
        self._epochs, self._samples, self._begun = epochs, samples, 0
        self._bar = tqdm(
            total=epochs * samples,
            unit=" samples",
            unit_scale=True,
            file=sys.stderr,
            dynamic_ncols=True,
            bar_format="{desc} |{bar}| {rate_fmt}{postfix}",
        )

    def on_epoch_begin(self, epoch: int) -> None:
        """Name the epoch. What a resumed run has done before is there at once, and not part of the speed."""
        if epoch > self._begun:
            self._bar.initial = self._bar.n = epoch * self._samples
        self._begun = epoch + 1
        self._bar.set_description_str(f"epoch {epoch + 1}/{self._epochs}", refresh=False)

    def on_batch_end(self, batch: int, samples: int) -> None:
        """Move the bar."""
        self._bar.update(samples)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Show the epoch's figures."""
        self._bar.set_postfix_str(headline(logs), refresh=epoch + 1 == self._epochs)

    def on_train_end(self) -> None:
        """Leave the last state on the screen."""
        self._bar.close()


class EpochLines(Callback):
    """One line an epoch, for logs."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Remember what to count to."""
        self._epochs, self._samples = epochs, samples

    def on_epoch_begin(self, epoch: int) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Print the epoch's figures and its speed."""
        speed = self._samples / (time.perf_counter() - self._start)
        print(f"epoch {epoch + 1}/{self._epochs}  {describe(logs)}  {speed:,.0f} samples/s", flush=True)


def describe(logs: Mapping[str, float]) -> str:
    """`loss 0.1234  held-out loss 0.2345`."""
    names = {name: f"held-out {name[4:]}" if name.startswith("val_") else name for name in logs}
    return "  ".join(f"{names[name]} {value:.4g}" for name, value in logs.items())


def headline(logs: Mapping[str, float]) -> str:
    """What fits beside a bar: the loss and the last of the other figures."""
    *_, last = logs
    return describe({name: logs[name] for name in dict.fromkeys(["loss", last])})


def checked(callbacks: Sequence[Callback] | None) -> list[Callback]:
    """The callbacks in the order in which they are told; ValueError names what is none."""
    if isinstance(callbacks, Callback):
        raise ValueError("callbacks: one callback was given, expected a list of them: [callback]")
    for callback in callbacks or ():
        if not isinstance(callback, Callback):
            raise ValueError(f"callbacks: {callback!r} was given, expected objects derived from bpnet.Callback")
    return in_order(callbacks or ())


def in_order(callbacks: Iterable[Callback]) -> list[Callback]:
    """By their `order`; those of the same number stay as they are."""
    return sorted(callbacks, key=lambda callback: callback.order)


def progress(verbose: int | str) -> list[Callback]:
    """What `verbose` asks for: 0 nothing, 1 or "auto" a bar, 2 a line an epoch."""
    if verbose in (1, "auto"):
        return [ProgressBar()]
    if verbose == 2:
        return [EpochLines()]
    if verbose == 0:
        return []
    raise ValueError(f"verbose: {verbose!r} was given, expected 0 (nothing), 1 or 'auto' (a bar), 2 (a line an epoch)")
