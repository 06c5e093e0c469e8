"""While an estimator learns, the host reads one number an epoch, however many batches that has."""

from typing import Any

import pytest

from bpnet.sklearn import MLPRegressor
from bpnet.sklearn.equality import data
from bpnet_backends.on_numpy import NumPyBackend

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Counting(NumPyBackend):
    """Counts the readings, and the arrays that are brought."""

    def __init__(self) -> None:
        self.read = self.brought = 0

    def to_numpy(self, x: Any) -> Any:
        self.read += 1
        return super().to_numpy(x)

    def asarray(self, x: Any, dtype: str) -> Any:
        self.brought += 1
        return super().asarray(x, dtype)


def counted(**settings: int) -> tuple[int, int]:
    backend = Counting()
    MLPRegressor(backend=backend, n_iter_no_change=99, **settings).fit(*data("diabetes"))
    return backend.read, backend.brought


def test_one_reading_and_one_order_an_epoch() -> None:
    short, long = counted(max_iter=3, batch_size=13), counted(max_iter=8, batch_size=13)
    assert (long[0] - short[0], long[1] - short[1]) == (5, 5)


def test_none_a_batch() -> None:
    assert counted(max_iter=3, batch_size=13)[0] == counted(max_iter=3, batch_size=221)[0]
