"""What `TableModel.train` may be told, checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from bpnet.data.arrays import flag, whole_number
from bpnet.nn.activations import activation as activation_named
from bpnet.nn.checks import require_number
from bpnet.nn.optimizers import Optimizer
from bpnet.nn.optimizers import optimizer as optimizer_named
from bpnet.tables.error import TableError

EPOCHS, STEPS, MOST_EPOCHS = 100, 2000, 1000
"""By default so many epochs, more where these have fewer steps, and never more than the last."""
PATIENCE = 10
"""Epochs, or a tenth of all where that is more."""
FEW_ROWS = 5000
"""Below it tanh is the default of the hidden layers, whose validation loss goes on falling where that of relu, on few
rows, soon rises; from it on relu."""
SMALLEST, LARGEST = 16, 1024
"""Batches that are chosen by the number of rows."""


@dataclass(frozen=True)
class Settings:
    """The network's layers and how it learns."""

    hidden: tuple[int, ...]
    activation: str | None
    optimizer: Optimizer
    learning_rate: float | None
    dropout: float
    batch_norm: bool
    epochs: int | None
    batch_size: int | None
    early_stopping: bool | int
    class_weight: Any

    @classmethod
    def checked(
        cls,
        hidden: Any,
        activation: str | None,
        optimizer: str | Optimizer,
        learning_rate: float | None,
        dropout: float,
        batch_norm: bool,
        epochs: int | None,
        batch_size: int | None,
        early_stopping: bool | int,
        class_weight: Any,
    ) -> Settings:
        """All of them, or a ValueError that names the one at fault."""
        hidden = (hidden,) if isinstance(hidden, int | np.integer) else hidden
        if not isinstance(hidden, Sequence) or isinstance(hidden, str):
            raise ValueError(f"hidden: {hidden!r} was given, expected the units of each hidden layer: (128, 64)")
        if activation is not None:
            activation_named(activation)
        require_number("dropout", dropout, least=0, below=1)
        if learning_rate is not None:
            require_number("learning_rate", learning_rate, above=0)
        if class_weight is not None and class_weight != "balanced" and not isinstance(class_weight, Mapping):
            raise ValueError(
                f"class_weight: {class_weight!r} was given, expected 'balanced', None or {{class: weight}}"
            )
        if not isinstance(early_stopping, bool):
            early_stopping = whole_number("early_stopping", early_stopping)
        return cls(
            tuple(whole_number("hidden", units) for units in hidden),
            activation,
            optimizer_named(optimizer),
            learning_rate,
            float(dropout),
            flag("batch_norm", batch_norm),
            None if epochs is None else whole_number("epochs", epochs),
            None if batch_size is None else whole_number("batch_size", batch_size),
            early_stopping,
            class_weight,
        )

    def facts(self) -> dict[str, Any]:
        """As JSON, but for `epochs`, which may be more in a run that goes on, and the optimizer, which says its own."""
        weight = self.class_weight
        return {
            "hidden": list(self.hidden),
            "activation": self.activation,
            "learning_rate": self.learning_rate,
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
            "batch_size": self.batch_size,
            "early_stopping": self.early_stopping,
            "class_weight": {str(one): float(weight[one]) for one in weight} if isinstance(weight, Mapping) else weight,
        }

    def activation_for(self, rows: int) -> str:
        """That of the hidden layers: "tanh" for fewer than FEW_ROWS rows, "relu" for more, unless it was given."""
        return self.activation or ("tanh" if rows < FEW_ROWS else "relu")

    def size_for(self, rows: int) -> int:
        """The batch size: the power of two nearest to rows / 200, from SMALLEST to LARGEST, unless it was given."""
        if self.batch_size is not None:
            return self.batch_size
        return min(LARGEST, max(SMALLEST, int(2 ** round(log2(max(1.0, rows / 200))))))

    def epochs_for(self, rows: int) -> int:
        """EPOCHS, or as many as have STEPS steps where that is more, unless it was given."""
        if self.epochs is not None:
            return self.epochs
        return min(MOST_EPOCHS, max(EPOCHS, -(-STEPS * self.size_for(rows) // rows)))

    def patience_for(self, rows: int) -> int | None:
        """The epochs without a better one that end training; None where nothing does."""
        if isinstance(self.early_stopping, bool):
            return max(PATIENCE, self.epochs_for(rows) // 10) if self.early_stopping else None
        return self.early_stopping


def row_weights(class_weight: Any, counts: Any, classes: Sequence[Any]) -> np.ndarray:
    """A weight for each class: rows / (classes · rows of the class) if "balanced", or what is given by class.

    `counts` are the rows of each class.
    """
    if class_weight == "balanced":
        counts = np.asarray(counts)
        return np.asarray(counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)))
    given = {str(name): weight for name, weight in class_weight.items()}
    unknown = sorted(set(given) - {str(one) for one in classes})
    if unknown:
        raise TableError(
            f"class_weight: there is no class {unknown[0]!r}, expected some of {', '.join(map(str, classes))}"
        )
    for name, weight in given.items():
        require_number(f"class_weight of {name}", weight, least=0)
    return np.array([float(given.get(str(one), 1.0)) for one in classes])
