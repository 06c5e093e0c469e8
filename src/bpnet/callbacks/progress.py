"""What `verbose` shows of a run: a bar on a terminal, lines where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from bpnet.training.callbacks import Callback

LINES = 20
"""What stands for a bar in a file."""


class ProgressBar(Callback):
    """One bar over all epochs: the epoch, the samples per second, the loss and the last metric, held out if it is.

    While an epoch runs, the figures are those of the epoch before, and say so.
    """

    in_groups = True
    steers = False

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Draw the empty bar."""
        self._epochs, self._samples, self._begun = epochs, samples, 0
        self._figures = ""
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
        if self._figures:
            self._bar.set_postfix_str(f"epoch {epoch}: {self._figures}", refresh=False)

    def on_batch_end(self, batch: int, samples: int) -> None:
        """Move the bar."""
        self._bar.update(samples)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Show the epoch's figures."""
        self._figures = headline(logs)
        self._bar.set_postfix_str(self._figures, refresh=epoch + 1 == self._epochs)

    def on_train_end(self) -> None:
        """Leave the last state on the screen."""
        self._bar.close()


class EpochLines(Callback):
    """A line an epoch, on standard output; or at most `most` lines on standard error, evenly spread, and the last."""

    steers = False

    def __init__(self, most: int | None = None) -> None:
        self._most = most

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Remember what to count to."""
        self._epochs, self._samples = epochs, samples
        self._unseen = ""

    def on_epoch_begin(self, epoch: int) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Print the epoch's figures and its speed, if it is its turn."""
        speed = self._samples / (time.perf_counter() - self._start)
        self._unseen = f"epoch {epoch + 1}/{self._epochs}  {describe(logs)}  {speed:,.0f} samples/s"
        most = self._most or self._epochs
        if (epoch + 1) * most // self._epochs > epoch * most // self._epochs:
            self._print()

    def on_train_end(self) -> None:
        """Print the last epoch's, whose turn it may not have been where the run ended early."""
        if self._unseen:
            self._print()

    def _print(self) -> None:
        print(self._unseen, file=sys.stdout if self._most is None else sys.stderr, flush=True)
        self._unseen = ""


def describe(logs: Mapping[str, float]) -> str:
    """`loss 0.1234  held-out loss 0.2345`."""
    names = {name: f"held-out {name[4:]}" if name.startswith("val_") else name for name in logs}
    return "  ".join(f"{names[name]} {value:.4g}" for name, value in logs.items())


def headline(logs: Mapping[str, float]) -> str:
    """What fits beside a bar: the loss and the last of the other figures."""
    *_, last = logs
    return describe({name: logs[name] for name in dict.fromkeys(["loss", last])})


def progress(verbose: int | str) -> list[Callback]:
    """What `verbose` asks for.

    A bar needs a terminal, or a notebook: in a file it would be a flood. Where standard error is neither, 1 is twenty
    lines there at most, and "auto" is nothing. 2 is a line an epoch on standard output, 0 nothing.
    """
    if verbose not in (0, 1, 2, "auto"):
        raise ValueError(
            f"verbose: {verbose!r} was given, expected 0 (nothing), 1 (a bar, or lines where standard error is no "
            "terminal), 2 (a line an epoch), or 'auto' (a bar, or nothing where standard error is no terminal)"
        )
    if verbose in (1, "auto") and can_be_drawn_on(sys.stderr):
        return [ProgressBar()]
    if verbose in (1, 2):
        return [EpochLines(LINES if verbose == 1 else None)]
    return []


def can_be_drawn_on(stream: Any) -> bool:
    """Is it a terminal, or a notebook's output, where a line can be drawn over?"""
    if stream is None or getattr(stream, "closed", False):  # a program without a console may have none
        return False
    return bool(stream.isatty()) or type(stream).__module__.startswith("ipykernel")
