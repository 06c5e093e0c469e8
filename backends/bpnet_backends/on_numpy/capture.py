"""A step that records itself when it is first called, and is replayed from then on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol

from bpnet_backends.on_numpy.recording import Record, listening, record
from bpnet_backends.parts import Part


class Replay(Protocol):
    """What a record is compiled to."""

    def __call__(self) -> None:
        """One step."""

    def parts(self) -> Sequence[Part]:
        """What it is made of."""


class Captured:
    """Called in place of `step`: the same calls on the same memory, whose contents may be new.

    The first call writes down what the step does while it does it. A step that takes a value to the host, or does
    anything else that cannot be replayed, runs as it is from then on, with one warning that says why.

    Where the replay gives the same bits as the step (`same_bits`), it is made when the second call comes, so that a
    step that is called once costs no more. Otherwise what the first run changed is taken back, and the first call is a
    replay too: every step of a run is then computed alike.
    """

    repeat: Callable[[int], None]
    """So many steps in one call; there only once a replay was made that knows a way which takes less."""

    def __init__(self, step: Callable[[], None], compiled: Callable[[Record], Replay], *, same_bits: bool) -> None:
        self._step = step
        self._compiled = compiled
        self._same_bits = same_bits
        self._record: Record | None = None
        self._replay: Replay | None = None
        self._stays = False  # as it is: it cannot be replayed

    def __call__(self) -> None:
        """One step. Within a step that is being recorded it is part of that one."""
        if self._stays or listening():
            self._step()
            return
        if self._replay is None and self._record is None:
            self._first()
            if self._same_bits or self._record is None:
                return
            self._record.take_back()
        replay = self._replay or self._compile()
        replay()

    def parts(self) -> Sequence[Part]:
        """What a step is made of; nothing where it cannot be replayed. RuntimeError before the first call."""
        if self._stays:
            return ()
        if self._replay is None and self._record is None:
            raise RuntimeError("parts: the step was never called. Mend: call it once; that tells what it is made of")
        return self._compile().parts()

    def _compile(self) -> Replay:
        if self._record is not None:
            self._replay, self._record = self._compiled(self._record), None
            if (repeat := getattr(self._replay, "repeat", None)) is not None:
                self.repeat = repeat
        assert self._replay is not None
        return self._replay

    def _first(self) -> None:
        with record() as found:
            self._step()
        if found.obstacle is None:
            self._record = found
            return
        warnings.warn(
            f"this step runs slower than it could: {found.obstacle} cannot be replayed. Mend: leave it to the end of "
            "the epoch, or write it with functions of xp",
            RuntimeWarning,
            stacklevel=3,
        )
        self._stays = True
