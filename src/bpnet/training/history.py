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

    def __init__(self, epoch: int, batch: int, learning_rate: float, kept_epoch: int | None, history: History) -> None:
        kept = f"The model keeps the weights from the start of epoch {kept_epoch}, whose loss was finite."
        if kept_epoch is None:
            kept = "The weights that training began with give that loss already; the model keeps them."
        super().__init__(
            f"the loss became NaN or infinite in epoch {epoch}, batch {batch}. Likely cause: steps that are too large. "
            f"Mend: a learning rate below {learning_rate:g}, global_clipnorm=1.0 in the optimizer, standardised "
            f"inputs, or dtype='float64'. {kept}"
        )
        self.epoch = epoch
        self.batch = batch
        self.history = history
