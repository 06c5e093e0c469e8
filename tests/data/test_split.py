"""Folds: each row is held out once, and each has its share of every class."""

import numpy as np
import pytest

from bpnet.data.split import fold_rows, parts_of

LABELS = np.array([0] * 40 + [1] * 11 + [2] * 3)


@pytest.mark.parametrize("folds", [2, 3, 5, 54])
def test_each_row_is_held_out_in_one_fold(folds):
    found = fold_rows(54, folds, 0, LABELS)
    np.testing.assert_array_equal(np.sort(np.concatenate([out for _, out in found])), np.arange(54))
    for kept, out in found:
        assert not np.intersect1d(kept, out).size
        assert len(kept) + len(out) == 54
    for label in range(3):
        counts = [(LABELS[out] == label).sum() for _, out in found]
        assert max(counts) - min(counts) <= 1


def test_the_seed_decides():
    first, again, other = (fold_rows(20, 4, seed)[0][1].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_parts_of_some_rows_are_of_these():
    rows = np.arange(10, 54)
    for folds in (None, 4):
        for kept, out in parts_of(rows, 0.25, folds, 0, LABELS):
            np.testing.assert_array_equal(np.sort(np.concatenate([kept, out])), rows)
            assert len(out) == 11
