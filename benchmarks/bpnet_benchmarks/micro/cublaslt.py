"""A float32 product by cublasLt itself, its algorithm chosen once; through the bindings of nvmath-python.

cublasLt counts columns first: c = a b of rows is cᵀ = bᵀ aᵀ of its columns, without a transpose.
"""

from __future__ import annotations

import numpy as np

FLOAT32 = 0
"""CUDA_R_32F."""
IEEE = 68
"""CUBLAS_COMPUTE_32F."""


class Product:
    """Launches c = a b; a (N, I), b (I, O), c (N, O) at these addresses, `size` bytes at `workspace`, on `stream`.

    ImportError: nvmath-python is not installed. RuntimeError: cublasLt has no algorithm for the shape.
    """

    def __init__(
        self, shape: tuple[int, int, int], a: int, b: int, c: int, workspace: int, size: int, stream: int
    ) -> None:
        from nvmath.bindings import cublasLt

        rows, inputs, outputs = shape
        self._matmul = cublasLt.matmul
        handle, description = cublasLt.create(), cublasLt.matmul_desc_create(IEEE, FLOAT32)
        of_b = cublasLt.matrix_layout_create(FLOAT32, outputs, inputs, outputs)
        of_a = cublasLt.matrix_layout_create(FLOAT32, inputs, rows, inputs)
        of_c = cublasLt.matrix_layout_create(FLOAT32, outputs, rows, outputs)
        preference = cublasLt.matmul_preference_create()
        most = np.array([size], np.uint64)
        attribute = cublasLt.MatmulPreferenceAttribute.MAX_WORKSPACE_BYTES
        cublasLt.matmul_preference_set_attribute(preference, attribute, most.ctypes.data, most.nbytes)
        self._found, count = cublasLt.MatmulHeuristicResult(1), np.zeros(1, np.int32)
        cublasLt.matmul_algo_get_heuristic(
            handle, description, of_b, of_a, of_c, of_c, preference, 1, self._found.ptr, count.ctypes.data
        )
        if not count[0]:
            raise RuntimeError(f"cublasLt has no algorithm for a product of {shape}")
        self._one, self._zero = np.ones(1, np.float32), np.zeros(1, np.float32)
        self._arguments = (
            handle, description, self._one.ctypes.data, b, of_b, a, of_a, self._zero.ctypes.data, c, of_c, c, of_c,
            self._found.ptr, workspace, size, stream,
        )  # fmt: skip
        # The algorithm is the first part of what was found.

    def __call__(self) -> None:
        """Does not wait."""
        self._matmul(*self._arguments)
