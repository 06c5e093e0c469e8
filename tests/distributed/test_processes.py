"""Two real processes over each engine come to the numbers of one."""

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


@pytest.mark.parametrize("engine", ENGINES)
def test_two_processes_train_as_one(engine, one, tmp_path, monkeypatch):
    monkeypatch.setattr(test_engines, "JOB", JOB)
    codes, _, err = launch(engine, str(tmp_path / "found.npz"))
    assert set(codes) == {0}, err
    with np.load(tmp_path / "found.npz") as found:
        assert set(found) == set(one)
        for name, expected in one.items():
            worst = np.abs(found[name] - np.asarray(expected)).max(initial=0.0)
            assert worst <= 1e-10, f"{name}: off by {worst:.2g}"
