"""partial_fit and warm_start: scikit-learn's numbers; and training that goes on as if it had never stopped."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.base import clone

from bpnet.backend import Backend
from bpnet.sklearn import MLPClassifier, MLPRegressor
from bpnet.sklearn.equality import compared, data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit(solver: str) -> None:
    """Parts of the same size and of others; the moments go on, and t with them."""
    x, y = data("digits")
    pair = [
        kind(solver=solver, hidden_layer_sizes=(16,), random_state=2, learning_rate="invscaling")
        for kind in (neural_network.MLPClassifier, MLPClassifier)
    ]
    for each in pair:
        for part in np.split(np.arange(1200), [300, 600, 900, 950]):
            each.partial_fit(x[part], y[part], classes=np.arange(10))
    assert compared(*pair, x).is_small
    assert pair[0].t_ == pair[1].t_ == 1200


def test_warm_start() -> None:
    """As in scikit-learn the weights go on, and the optimizer begins anew."""
    x, y = data("diabetes")
    pair = [kind(max_iter=10, warm_start=True, random_state=2) for kind in (neural_network.MLPRegressor, MLPRegressor)]
    for each in pair:
        each.fit(x, y).fit(x, y)
    assert compared(*pair, x).is_small
    assert len(pair[1].loss_curve_) == 20


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "invscaling"}])
def test_exact_continuation(backend: Backend, settings: dict[str, Any]) -> None:
    """8 epochs and 8 more are 16, to the last bit, also pickled in between; with warm_start=True they are not."""
    x, y = data("diabetes")
    x, y = x[:150], y[:150]
    common = {"hidden_layer_sizes": (6,), "random_state": 0, "backend": backend, "n_iter_no_change": 99, **settings}
    whole = MLPRegressor(max_iter=16, **common).fit(x, y)
    parts = MLPRegressor(max_iter=8, warm_start="exact", **common).fit(x, y)
    moved = pickle.loads(pickle.dumps(parts.set_params(backend=None)))
    moved.set_params(backend=backend).fit(x, y)
    assert moved.loss_curve_ == whole.loss_curve_
    np.testing.assert_array_equal(moved.coefs_[0], whole.coefs_[0])
    begun_anew = MLPRegressor(max_iter=8, warm_start=True, **common).fit(x, y).fit(x, y)
    assert begun_anew.loss_curve_ != whole.loss_curve_


def test_other_layers_cannot_go_on() -> None:
    """(1, 14) has as many weights as (3, 4) and would mix them up; scikit-learn leaves the new sizes unread."""
    x, y = data("diabetes")
    est = MLPRegressor(hidden_layer_sizes=(3, 4), max_iter=2, warm_start=True).fit(x, y)
    before = est.predict(x)
    for sizes in ((1, 14), (3, 4, 3)):
        with pytest.raises(ValueError, match=r"hidden_layer_sizes: .* expected \(3, 4\).*warm_start=False"):
            est.set_params(hidden_layer_sizes=sizes).fit(x, y)
    est.set_params(hidden_layer_sizes=(3, 4))
    for again in (est.fit, est.partial_fit):
        with pytest.raises(ValueError, match=r"y: \(2,\) units"):
            again(x, np.column_stack([y, y]))
    np.testing.assert_array_equal(est.predict(x), before)


def test_weights_that_a_user_sets_count() -> None:
    x, y = data("diabetes")
    est = MLPRegressor(max_iter=2, hidden_layer_sizes=(4,)).fit(x, y)
    before = est.predict(x)
    est.intercepts_[-1] += 1.0
    np.testing.assert_allclose(est.predict(x), before + 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(est.network_.predict(x)[:, 0], before + 1.0, rtol=0, atol=1e-12)
    est.coefs_ = [np.zeros_like(array) for array in est.coefs_]
    np.testing.assert_allclose(est.predict(x), est.intercepts_[-1][0])


def test_copies_know_no_device() -> None:
    x, y = data("digits")
    est = MLPClassifier(max_iter=2).fit(x, y)
    assert not hasattr(clone(est), "coefs_")
    for other in (pickle.loads(pickle.dumps(est)), copy.deepcopy(est), copy.copy(est)):
        np.testing.assert_array_equal(other.predict_proba(x), est.predict_proba(x))
        assert other.network_.layers[0].units == 100
    text = pickle.dumps(est)
    assert b"bpnet_backends" not in text
