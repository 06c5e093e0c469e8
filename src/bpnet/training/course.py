"""A run of `fit` as far as it has come: what a checkpoint keeps of it besides the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bpnet.training.callbacks import Callback, told
from bpnet.training.evaluations import Evaluations
from bpnet.training.history import History


@dataclass
class Course:
    """Where a run stands. A callback finds it as `self.course` from `on_train_begin` on; only `fit` has one."""

    callbacks: Sequence[Callback]
    epochs: int
    samples: int
    """Of an epoch."""
    same: Mapping[str, Any] = field(default_factory=dict)
    """What has to be the same where the run is resumed; JSON, or functions that give it, asked where it is needed."""
    first_epoch: int = 0
    """The epochs that the model had seen before the run began."""
    micro_batch: int | None = None
    """The parts in which batches are learned from, once "auto" has found them."""
    history: History = field(default_factory=History)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a checkpoint has besides, under names of its own; JSON."""
    batches: int = 0
    """Batches of an epoch that Ctrl-C cut short; 0 at the end of an epoch."""
    totals: list[float] = field(default_factory=list)
    """What these batches add up to."""
    evaluations: Evaluations | None = None
    """Of L-BFGS, where a callback has asked for them by `record`."""
    ended: bool = False
    """Has a callback, or L-BFGS itself, ended the run?"""
    complete: bool = False
    """Is there nothing left to do in this call but to tell of the end, and nothing has gone wrong?"""
    resumed_from: Any = None
    """The file of which a resumed run has its beginning."""
    states: Sequence[tuple[Callback, Mapping[str, Any]]] = ()
    """What callbacks are to get back."""

    @property
    def has_ended(self) -> bool:
        """Is there no epoch left?"""
        return self.ended or len(self.history.epoch) >= self.epochs

    @property
    def is_over(self) -> bool:
        """Was the run over before this call? Else the callbacks were not told of the end, or there are more epochs."""
        return self.complete and self.has_ended

    @property
    def missing(self) -> range:
        """The epochs that are left."""
        return range(0) if self.has_ended else range(len(self.history.epoch), self.epochs)

    def record(self) -> None:
        """Keep what L-BFGS evaluates, so that its memory can be made again."""
        if self.evaluations is None:
            self.evaluations = Evaluations()

    @contextmanager
    def told(self, model: Any, figures: Mapping[str, bool | None]) -> Iterator[None]:
        """As `callbacks.told`; in a resumed run the callbacks get back what they knew."""
        self.complete = False
        for callback in self.callbacks:
            callback.course = self
        try:
            with told(self.callbacks, model, self.epochs, self.samples, figures):
                for callback, state in reversed(self.states):  # what the last one changed at the end goes first
                    _give_back(callback, state)
                yield
        finally:
            for callback in self.callbacks:
                callback.course = None

    def interrupted(self) -> None:
        """After Ctrl-C; before the end, at which callbacks may change the weights."""
        self.history.interrupted = True
        for callback in self.callbacks:
            callback.on_interrupt()


def _give_back(callback: Callback, state: Mapping[str, Any]) -> None:
    """ValueError where the callback cannot take it."""
    try:
        callback.restore(state)
    except Exception as error:
        if "Mend: " in str(error):
            raise
        told = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"resume: the callback {type(callback).__name__} cannot take the state that the checkpoint has for it "
            f"({told}). Mend: callbacks as in the run that is resumed, or an earlier checkpoint"
        ) from error
