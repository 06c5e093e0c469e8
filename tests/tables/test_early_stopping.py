"""What tables promise of early stopping: the epoch with the lowest validation loss counts, the first too."""

import numpy as np
import pytest

from bpnet.tables import TableModel
from bpnet.tables.settings import FEW_ROWS


def noisy(rows, seed):
    """Noise alone but for a little: the validation loss is lowest after a few epochs."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 6))
    return {**{f"x{k}": x[:, k] for k in range(6)}, "y": 0.5 * x[:, 0] + draw.normal(size=rows)}


@pytest.mark.parametrize("epochs", [8, 60])  # fewer than its patience, and more
def test_the_best_epoch_counts_from_the_first_on(epochs):
    held_out = noisy(60, 1)
    settings = {"epochs": epochs, "learning_rate": 0.01, "verbose": 0, "backend": "numpy", "dtype": "float64"}
    model = TableModel.train(noisy(60, 0), "y", validation=held_out, **settings)
    losses, scale = model.history.history["val_loss"], model.preprocessing.target.std
    assert int(np.argmin(losses)) < len(losses) - 2, "a case in which the last epoch is not the best"
    assert model.history.kept == int(np.argmin(losses))
    assert model.evaluate(held_out)["rmse"] ** 2 / scale**2 == pytest.approx(min(losses), rel=1e-9)
    assert len(losses) == (epochs if epochs == 8 else int(np.argmin(losses)) + 11)


def test_few_rows_have_tanh_and_many_relu():
    def function(rows, **given):
        table = np.random.default_rng(0).normal(size=(rows, 3))
        settings = {"hidden": 2, "epochs": 1, "verbose": 0, "backend": "numpy", "validation": 0, **given}
        return TableModel.train(table, -1, **settings).model.network.graph.layers[0].activation.name

    assert (function(FEW_ROWS - 1), function(FEW_ROWS)) == ("tanh", "relu")
    assert function(50, activation="relu") == "relu"
