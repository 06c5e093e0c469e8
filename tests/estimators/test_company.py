"""In the company of the rest of scikit-learn."""

import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpnet.sequential import Sequential
from bpnet.sklearn import MLPClassifier, MLPRegressor
from bpnet.sklearn.equality import data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def small(**more: object) -> MLPClassifier:
    return MLPClassifier(**{"hidden_layer_sizes": (5,), "max_iter": 20, "random_state": 0, "solver": "lbfgs", **more})


def test_search_in_a_pipeline() -> None:
    x, y = data("breast_cancer")
    search = GridSearchCV(make_pipeline(StandardScaler(), small()), {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2)
    assert search.fit(x, y).score(x, y) > 0.95
    assert cross_val_score(small(), x, y, cv=2).min() > 0.9


def test_calibrated_and_voting() -> None:
    x, y = data("breast_cancer")
    calibrated = CalibratedClassifierCV(small(), cv=2).fit(x, y, sample_weight=np.ones(len(y)))
    assert calibrated.score(x, y) > 0.95
    voting = VotingClassifier([("net", small()), ("line", LogisticRegression())], voting="soft").fit(x, y)
    assert voting.score(x, y) > 0.95


def test_threads_and_processes() -> None:
    x, y = data("diabetes")
    alone = MLPRegressor(max_iter=3, random_state=0).fit(x, y).predict(x)
    for prefer in ("threads", "processes"):
        fits = Parallel(n_jobs=2, prefer=prefer)(
            delayed(MLPRegressor(max_iter=3, random_state=0).fit)(x, y) for _ in range(2)
        )
        for fitted in fits:
            np.testing.assert_allclose(fitted.predict(x), alone, rtol=1e-9)


def test_first_predictions_in_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server does with a model that it has loaded: its network is made once, and no thread gets an empty one."""
    x, y = data("breast_cancer")
    est = small().fit(x, y)
    expected, build, built = est.predict_proba(x[:20]), Sequential.build, []

    def slow(self: Sequential, *arguments: object) -> None:
        built.append(self)
        time.sleep(0.05)
        build(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sequential, "build", slow)
    loaded = pickle.loads(pickle.dumps(est))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(loaded.predict_proba, [x[:20]] * 4))
    np.testing.assert_allclose(found, [expected] * 4, rtol=0, atol=1e-12)  # the threads of BLAS may differ
    assert len(built) == 1


def test_weights_are_routed() -> None:
    x, y = data("breast_cancer")
    weight = np.linspace(0.1, 1.0, len(y))
    with config_context(enable_metadata_routing=True):
        asks = small().set_fit_request(sample_weight=True)
        piped = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asks).fit(
            x, y, sample_weight=weight
        )
        direct = small().fit(StandardScaler().fit_transform(x), y, sample_weight=weight)
    np.testing.assert_allclose(piped[-1].coefs_[0], direct.coefs_[0])


def test_frames_between_the_steps_of_a_pipeline() -> None:
    pandas = pytest.importorskip("pandas")
    x, y = data("breast_cancer")
    frame = pandas.DataFrame(x, columns=[f"f{i}" for i in range(x.shape[1])])
    piped = make_pipeline(StandardScaler(), small()).set_output(transform="pandas").fit(frame, y)
    arrays = make_pipeline(StandardScaler(), small()).fit(x, y)
    assert list(piped[-1].feature_names_in_) == list(frame.columns)
    assert not hasattr(arrays[-1], "feature_names_in_")
    # A frame lies by columns, so the scaler's sums are rounded otherwise; 20 iterations carry that on.
    np.testing.assert_allclose(piped.predict_proba(frame), arrays.predict_proba(x), rtol=0, atol=1e-9)


def test_names_of_features_and_outputs() -> None:
    pandas = pytest.importorskip("pandas")
    x, y = data("breast_cancer")
    frame = pandas.DataFrame(x, columns=[f"f{i}" for i in range(x.shape[1])])
    est = small(solver="adam", early_stopping=True, scoring="accuracy").fit(frame, y)
    assert list(est.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        est.predict(frame.rename(columns={"f0": "other"}))
