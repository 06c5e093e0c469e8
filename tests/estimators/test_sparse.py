"""Sparse input gives what the same numbers give when they are dense, and is never dense as a whole."""

import numpy as np
import pytest
import scipy.sparse

from bpnet.backend import Backend
from bpnet.sklearn import MLPClassifier, MLPRegressor, rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = np.where(rng.random((90, 30)) < 0.1, rng.normal(size=(90, 30)), 0.0)
    return x, (x[:, :15].sum(axis=1) > 0).astype(int)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_as_dense(backend: Backend, form: type, solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts of 5 rows, the last one smaller."""
    monkeypatch.setattr(rows, "DENSE_AT_ONCE", 5 * 30)
    x, y = problem()
    settings = {"hidden_layer_sizes": (6,), "solver": solver, "batch_size": 8, "max_iter": 6, "random_state": 0}
    settings["early_stopping"] = solver == "adam"
    dense = MLPClassifier(**settings, backend=backend).fit(x, y)
    sparse = MLPClassifier(**settings, backend=backend).fit(form(x), y)
    np.testing.assert_allclose(sparse.coefs_[0], dense.coefs_[0], rtol=0, atol=1e-9)  # L-BFGS lets rounding grow
    np.testing.assert_allclose(sparse.predict_proba(form(x)), dense.predict_proba(x), rtol=0, atol=1e-9)


def test_never_dense_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    dense = rows.dense

    def watched(x: object) -> np.ndarray:
        nonlocal largest
        found = dense(x)
        largest = max(largest, found.size)
        return found

    for module in ("rows", "placed", "early_stopping"):
        monkeypatch.setattr(f"bpnet.sklearn.{module}.dense", watched)
    monkeypatch.setattr(rows, "DENSE_AT_ONCE", 10_000)
    x = scipy.sparse.random(500, 1000, 0.01, format="csc", random_state=0)
    y = np.asarray(x.sum(axis=1)).ravel()
    for solver in ("sgd", "lbfgs"):
        est = MLPRegressor(hidden_layer_sizes=(3,), solver=solver, max_iter=2, batch_size=10, early_stopping=True)
        est.fit(x, y).predict(x)
    assert 0 < largest <= 10_000


def test_sparse_labels() -> None:
    """Where y is sparse, so are the labels that are predicted, as in scikit-learn; they are those of a dense y."""
    x, y = problem()
    y = np.column_stack([y, x[:, 0] > 0, x[:, 1] <= 0]).astype(int)
    settings = {"hidden_layer_sizes": (6,), "max_iter": 20, "early_stopping": True, "random_state": 0}
    dense = MLPClassifier(**settings, backend="numpy").fit(x, y)
    sparse = MLPClassifier(**settings, backend="numpy").fit(x, scipy.sparse.csr_matrix(y))
    assert scipy.sparse.issparse(sparse.predict(x))
    np.testing.assert_array_equal(sparse.predict(x).toarray(), dense.predict(x))
    assert sparse.validation_scores_ == dense.validation_scores_
    assert sparse.score(x, scipy.sparse.csr_matrix(y)) == dense.score(x, y)
