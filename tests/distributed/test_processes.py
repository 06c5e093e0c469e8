"""Two and four real processes over each engine come to the numbers of one."""

from pathlib import Path

import numpy as np
import pytest

import test_engines
from shared_run import results
from test_engines import ENGINES, launch

JOB = str(Path(__file__).with_name("shared_run.py"))


@pytest.fixture(scope="module")
def one():
    return results(None)


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("engine", ENGINES)
def test_processes_train_as_one(engine, ranks, one, tmp_path, monkeypatch):
    monkeypatch.setattr(test_engines, "JOB", JOB)
    codes, _, err = launch(engine, str(tmp_path / "found.npz"), ranks=ranks)
    assert set(codes) == {0}, err
    with np.load(tmp_path / "found.npz") as found:
        assert int(found["ranks"]) == ranks
        assert set(found) == {"ranks", *one}
        for name, expected in one.items():
            worst = np.abs(found[name] - np.asarray(expected)).max(initial=0.0)
            assert worst <= 1e-10, f"{name}: off by {worst:.2g}"
