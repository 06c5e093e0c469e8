"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet.training.callbacks import Callback


class LambdaCallback(Callback):
    """Each function takes what the method of `Callback` of its name takes, without self.

    `LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))`. With `on_batch_end`, steps are asked
    for one by one unless `in_groups`, as `Callback` says. ValueError: what is given is no function.
    """

    def __init__(
        self,
        *,
        on_train_begin: Callable[[int, int], Any] | None = None,
        on_epoch_begin: Callable[[int], Any] | None = None,
        on_batch_end: Callable[[int, int], Any] | None = None,
        on_epoch_end: Callable[[int, Mapping[str, float]], Any] | None = None,
        on_train_end: Callable[[], Any] | None = None,
        in_groups: bool = False,
    ) -> None:
        self.in_groups = in_groups
        given = {
            "on_train_begin": on_train_begin,
            "on_epoch_begin": on_epoch_begin,
            "on_batch_end": on_batch_end,
            "on_epoch_end": on_epoch_end,
            "on_train_end": on_train_end,
        }
        for name, function in given.items():
            if function is not None:
                if not callable(function):
                    raise ValueError(f"{name}: {function!r} was given, expected a function")
                setattr(self, name, function)

    def as_given(self, name: str, default: Any) -> Any:
        """What was given, not the methods that stand in its place."""
        return vars(self).get(name, default)
