"""Matrices on an emulated GPU, in every layout that a step may have."""

import numpy as np

from bpnet_backends.on_cuda.device import Matrix

LAYOUTS = [
    "rows",
    "left by columns",
    "right by columns",
    "both by columns",
    "result by columns",
    "all by columns",
    "gaps",
]

TOLERANCES = {"float32": 2e-6, "float64": 4e-15}
"""Of sums of up to 1,000 products of normal numbers, relative to the norm: some 16 roundings."""


def matrix(device, array, dtype, by_columns=False, gap=0):
    """`array` (stack, rows, columns) on the device, with `gap` elements between its lines; and its places."""
    stack, rows, columns = array.shape
    lines, length = (columns, rows) if by_columns else (rows, columns)
    along = length + gap
    size = np.dtype(dtype).itemsize
    memory = device.allocate(stack * lines * along * size)
    strides = (1, along) if by_columns else (along, 1)
    over = lines * along if stack > 1 else 0
    places = device.view(memory, 0, dtype, array.shape, [size * n for n in (lines * along, *strides)])
    places[...] = device.asarray(array, dtype)
    return Matrix(memory, 0, dtype, stack, rows, columns, over, *strides), places


def operands(device, shape, dtype, layout):
    """Two matrices, the place of their product, which is NaN so far, and what the product should be."""
    stack, rows, inner, columns = shape
    random = np.random.default_rng(0)
    gap = 3 if layout == "gaps" else 0
    left_by_columns = layout in ("left by columns", "both by columns", "all by columns")
    right_by_columns = layout in ("right by columns", "both by columns", "all by columns")
    a, left = matrix(device, random.normal(size=(stack, rows, inner)), dtype, left_by_columns, gap)
    b, right = matrix(device, random.normal(size=(stack, inner, columns)), dtype, right_by_columns, gap)
    nothing = np.full((stack, rows, columns), np.nan)
    c, result = matrix(device, nothing, dtype, layout in ("result by columns", "all by columns"), gap)
    left, right = (device.to_numpy(matrix).astype("float64") for matrix in (left, right))
    return (a, b, c), result, np.matmul(left, right)


def agree(result, expected, dtype):
    """Are they equal within `TOLERANCES`, relative to the norm?"""
    return np.linalg.norm(result - expected) <= TOLERANCES[dtype] * np.linalg.norm(expected)
