"""`search_table`: preprocessing of the rows that are learned from, logarithms, and networks that cannot be a stack."""

import numpy as np

from bpnet import TableModel
from bpnet.tables.searching import search_table

DRAW = np.random.default_rng(0)
N = 120
A = DRAW.normal(size=N)
TOWN = DRAW.choice([f"town {i}" for i in range(40)], N)
QUICK = {"models": 3, "epochs": 3, "learning_rate": "1e-3:1e-1", "verbose": 0, "backend": "numpy"}


def test_a_table_of_vectors_is_trained_one_by_one():
    found = search_table({"a": A, "town": TOWN, "y": A > 0}, "y", hidden=[(4,), (3, 3)], dropout="0:0.5", **QUICK)
    assert isinstance(found.model, TableModel)
    assert len(found.model.model.network.graph.inputs) == 2
    assert found.space.searched == ["hidden", "learning_rate", "dropout"]
    assert found.model.predict({"a": A, "town": TOWN}).shape == (N,)


def test_each_fold_learns_the_preprocessing_of_its_own_rows():
    found = search_table({"a": A, "y": 2 * A + 1}, "y", hidden=[(4,)], folds=3, **QUICK)
    (column,) = found.model.preprocessing.columns
    assert column.mean == np.mean(A), "the winner has learned from all rows"
    assert found.by.figure == "r2"
    assert len(found.best.folds) == 3


def test_a_skewed_target_is_decided_about_once():
    found = search_table({"a": A, "y": np.exp(3 * A)}, "y", hidden=[(16,)], activation="relu", folds=2, **QUICK)
    whole = search_table({"a": A, "y": np.exp(3 * A)}, "y", hidden=[(16,)], activation="relu", refit=True, **QUICK)
    assert found.model.preprocessing.target.log
    assert whole.model.preprocessing.target.log
    assert (found.model.predict({"a": A}) > 0).all()
