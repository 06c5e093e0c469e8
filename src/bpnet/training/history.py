"""What a training run reported, an epoch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class History:
    """`history["loss"][i]` belongs to epoch `epoch[i]`; `interrupted` is True after Ctrl-C."""

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False

    def add(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Append an epoch's figures."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class TrainingDivergedError(ArithmeticError):
    """The loss was no longer finite. The model keeps the last weights from an epoch's start that gave a finite loss."""

    def __init__(self, epoch: int, batch: int, cause: str, history: History) -> None:
        super().__init__(
            f"the loss became NaN or infinite in epoch {epoch}, batch {batch}. Likely cause: {cause} "
            "The model keeps the last good weights, those of an epoch's start."
        )
        self.epoch = epoch
        self.batch = batch
        self.history = history
