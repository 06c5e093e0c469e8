"""Large arrays are checked block by block: what is wrong in a later block is found where it is."""

import numpy as np
import pytest

from bpnet.data import arrays, blocks
from bpnet.data.targets import targets


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Three rows of four numbers."""
    monkeypatch.setattr(blocks, "BLOCK", 12)


def test_all_rows_once_in_views():
    x = np.arange(40.0).reshape(10, 4)
    parts = list(blocks.blocks(x))
    assert [(start, len(part)) for start, part in parts] == [(0, 3), (3, 3), (6, 3), (9, 1)]
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), x)
    assert all(part.base is not None for _, part in parts)
    assert [len(part) for _, part in blocks.blocks(np.zeros((2, 100)))] == [1, 1]


def test_what_is_wrong_in_a_later_block():
    x = np.zeros((10, 4))
    x[7, 2], x[9, 0] = np.nan, -np.inf
    with pytest.raises(ValueError, match=r"x: 2 values are NaN or infinite, the first at \(7, 2\)"):
        arrays.numeric("x", x)
    x[:] = 0
    x[8, 1] = -1e300
    with pytest.raises(ValueError, match=r"x: values up to 1e\+300 came"):
        arrays.representable("x", x, "float32")
    with pytest.raises(ValueError, match=r"x: -1e\+300 came at \(8, 1\), but layer 'e'"):
        arrays.rows_of_a_table("x", x, "e", 5)
    y = np.full((10, 4), 0.25)
    y[6, 3] = 0.5
    with pytest.raises(ValueError, match=r"y: row 6 sums to 1\.25"):
        targets("y", y, "one_hot", 10, (4,))
    y[9, 3] = 1.5
    with pytest.raises(ValueError, match=r"y: values from 0\.25 to 1\.5 came"):
        targets("y", y, "one_hot", 10, (4,))
