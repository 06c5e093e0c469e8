"""What a training run reported, an epoch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real


@dataclass(repr=False)
class History:
    """`history["loss"][i]` belongs to epoch `epoch[i]`; `interrupted` is True after Ctrl-C.

    `diverged` is True where the loss was no longer finite and a callback (`TerminateOnNaN`) wanted no error of it;
    `message` then says where. Of L-BFGS: `converged` is True where it found nothing left to gain, and `message` says
    why it ended. `kept` is the epoch whose weights `EarlyStopping` gave back to the model, None where it has the last.
    """

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False
    diverged: bool = False
    converged: bool = False
    message: str = ""
    kept: int | None = None

    def __repr__(self) -> str:
        """The epochs, the last figures, and how the run ended: a notebook shows what `fit` returns."""
        last = {name: values[-1] for name, values in self.history.items() if values}
        figures = [f"{name} {value:.4g}" if isinstance(value, Real) else name for name, value in last.items()]
        ended = [name for name in ("interrupted", "diverged", "converged") if getattr(self, name)]
        epochs = f"{len(self.epoch):,} epoch{'s' * (len(self.epoch) != 1)}"
        return f"History({', '.join([epochs, *figures, *ended])})"

    def add(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Append an epoch's figures."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class TrainingDivergedError(ArithmeticError):
    """The loss was no longer finite. The model keeps the last weights from an epoch's start that gave a finite loss."""

    def __init__(
        self, epoch: int, batch: int, learning_rate: float | None, kept_epoch: int | None, history: History
    ) -> None:
        kept = f"The model keeps the weights from the start of epoch {kept_epoch}, whose loss was finite."
        if kept_epoch is None:
            kept = "The weights that training began with give that loss already; the model keeps them."
        cause = "first weights or inputs that are too large. Mend: another initializer"
        if learning_rate is not None:
            cause = (
                f"steps that are too large. Mend: a learning rate below {learning_rate:g}, global_clipnorm=1.0 in the "
                "optimizer"
            )
        super().__init__(
            f"the loss became NaN or infinite in epoch {epoch}, batch {batch}. Likely cause: {cause}, standardised "
            f"inputs, or dtype='float64'. {kept}"
        )
        self.epoch = epoch
        self.batch = batch
        self.history = history
