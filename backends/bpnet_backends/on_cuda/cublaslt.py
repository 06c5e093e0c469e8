"""Matrix products by cuBLASLt, which takes its stream and its workspace with each call, so that a graph can hold it.

cuBLASLt thinks in columns: a matrix whose rows are contiguous is the transpose of one whose columns are. So c = a b
with contiguous rows in c is computed as cᵀ = bᵀ aᵀ. The algorithm is the first that the library's heuristic names;
nothing is timed, and the same shapes get the same algorithm at each start.

float32 is `COMPUTE_32F`: no TF32, which has a compute type of its own. The pedantic type forbids nothing more that
would round a real product, but leaves the heuristic fewer algorithms.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet_backends.on_cuda.device import Matrix, Memory

INSTALL = "Mend: pip install nvmath-python (it comes with 'bpnet[cuda12]' and 'bpnet[cuda13]')"
WORKSPACE = 32 << 20
"""Bytes, what NVIDIA recommends for Hopper."""

COMPUTE = {
    ("float32", "strict"): "COMPUTE_32F",
    ("float32", "tf32"): "COMPUTE_32F_FAST_TF32",
    ("float32", "bf16"): "COMPUTE_32F_FAST_16BF",
    ("float64", "strict"): "COMPUTE_64F",
}
TYPES = {"float32": 0, "float64": 1}
"""CUDA_R_32F and CUDA_R_64F of `cudaDataType`."""

ALIGNED = 256
"""Bytes: all that cuBLASLt asks for."""


@dataclass(frozen=True)
class _Columns:
    """A stack of matrices as cuBLASLt sees it: `rows` contiguous elements a column, columns `leading` apart."""

    transposed: bool
    rows: int
    columns: int
    leading: int
    over: int

    @classmethod
    def of(cls, matrix: Matrix, turned: bool) -> _Columns | None:
        """`matrix`, or its transpose; None where neither its rows nor its columns are contiguous."""
        rows, columns, down, along = matrix.rows, matrix.columns, matrix.down, matrix.along
        if turned:
            rows, columns, down, along = columns, rows, along, down
        if (down == 1 or rows == 1) and (columns == 1 or along >= rows):
            return cls(False, rows, columns, max(along if columns > 1 else 0, rows, 1), matrix.over)
        if (along == 1 or columns == 1) and (rows == 1 or down >= columns):
            return cls(True, columns, rows, max(down if rows > 1 else 0, columns, 1), matrix.over)
        return None


def _layouts(left: Matrix, right: Matrix, result: Matrix, turned: bool) -> tuple[_Columns, _Columns, _Columns] | None:
    """Of the three matrices; None where cuBLASLt has none for one of them, or would write a transpose."""
    first, second, third = (_Columns.of(matrix, turned) for matrix in (left, right, result))
    if first is None or second is None or third is None or third.transposed:
        return None
    return first, second, third


def alignment(matrix: Matrix) -> int:
    """Bytes, a power of two, of which the address of each matrix of the stack is a multiple; ALIGNED at most."""
    places = matrix.address | matrix.over * np.dtype(matrix.dtype).itemsize | ALIGNED
    return places & -places


@dataclass(frozen=True)
class _Algorithm:
    """What cuBLASLt was asked for once and takes with each call; it stays as long as the process."""

    description: int
    layouts: tuple[int, int, int]
    found: Any
    """The heuristic's answer, which begins with the algorithm."""
    scalars: Any
    """1 and 0 in the host's memory."""


class CublasLt:
    """The library on the current GPU, with a workspace. ImportError or RuntimeError where it cannot be used.

    A product is prepared before any capture: the heuristic may fail while a stream is captured (CUDA 13.3).
    """

    def __init__(self, workspace: Memory, stream: Callable[[], int], precision: str = "strict") -> None:
        from nvmath.bindings import cublas, cublasLt

        self._lt: Any = cublasLt
        self._compute: Any = cublas.ComputeType
        self._workspace = workspace
        self._stream = stream
        self._precision = precision
        try:
            self._handle = cublasLt.create()
        except cublasLt.cuBLASLtError as error:
            raise RuntimeError(f"cublasLtCreate failed: {error}") from error
        self._known: dict[Hashable, _Algorithm | None] = {}

    def prepared(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None] | None:
        """What computes c = a b on the current stream; None where cuBLASLt does not take these layouts."""
        turned = c.along == 1 or c.columns == 1
        left, right = (b, a) if turned else (a, b)
        layouts = _layouts(left, right, c, turned)
        if c.dtype not in TYPES or layouts is None or not (a.columns and c.rows and c.columns):
            return None
        alignments = tuple(alignment(matrix) for matrix in (left, right, c))
        key = (c.dtype, c.stack, layouts, alignments)
        if key not in self._known:
            self._known[key] = self._chosen(*key)
        algorithm = self._known[key]
        return None if algorithm is None else self._call(algorithm, left, right, c)

    def _call(self, chosen: _Algorithm, left: Matrix, right: Matrix, result: Matrix) -> Callable[[], None]:
        memories = left.memory, right.memory, result.memory
        x, y, z = left.address, right.address, result.address
        lt, handle, description, (first, second, third) = self._lt, self._handle, chosen.description, chosen.layouts
        one, zero = chosen.scalars.ctypes.data, chosen.scalars.ctypes.data + chosen.scalars.itemsize
        algorithm, size = chosen.found.ptr, chosen.found.workspace_size
        workspace, stream, held = self._workspace.address, self._stream, (self._workspace, chosen, memories)

        def product() -> None:
            try:
                lt.matmul(
                    *(handle, description, one, x, first, y, second, zero, z, third, z, third),
                    *(algorithm, workspace, size, stream()),
                )
            except lt.cuBLASLtError as error:
                raise RuntimeError(f"cuBLASLt's matrix product failed: {error}") from error
            assert held  # as long as this can be called

        return product

    def _chosen(self, dtype: str, stack: int, layouts: Any, alignments: tuple[int, ...]) -> _Algorithm | None:
        """The heuristic's first algorithm; None where it knows none for these layouts."""
        lt = self._lt
        compute = COMPUTE[dtype, self._precision if dtype == "float32" else "strict"]
        description = lt.matmul_desc_create(getattr(self._compute, compute), TYPES[dtype])
        attributes = lt.MatmulDescAttribute
        for attribute, layout in zip((attributes.TRANSA, attributes.TRANSB), layouts, strict=False):
            self._set("matmul_desc", description, attribute, int(layout.transposed))  # CUBLAS_OP_T is 1
        first, second, third = (self._layout(TYPES[dtype], layout, stack) for layout in layouts)
        preference = lt.matmul_preference_create()
        names = lt.MatmulPreferenceAttribute
        self._set("matmul_preference", preference, names.MAX_WORKSPACE_BYTES, self._workspace.size)
        for letter, alignment in zip("ABCD", (*alignments, alignments[2]), strict=True):
            self._set("matmul_preference", preference, getattr(names, f"MIN_ALIGNMENT_{letter}_BYTES"), alignment)
        found, count = lt.MatmulHeuristicResult(1), np.zeros(1, np.int32)
        try:
            lt.matmul_algo_get_heuristic(
                *(self._handle, description, first, second, third, third, preference, 1, found.ptr, count.ctypes.data)
            )
        except lt.cuBLASLtError:  # CUBLAS_STATUS_NOT_SUPPORTED: none for these layouts
            return None
        finally:
            lt.matmul_preference_destroy(preference)
        if count[0] < 1 or found.state:
            return None
        return _Algorithm(description, (first, second, third), found, np.array([1, 0], dtype))

    def _layout(self, kind: int, layout: _Columns, stack: int) -> int:
        made: int = self._lt.matrix_layout_create(kind, layout.rows, layout.columns, layout.leading)
        if stack > 1:
            names = self._lt.MatrixLayoutAttribute
            self._set("matrix_layout", made, names.BATCH_COUNT, stack)
            self._set("matrix_layout", made, names.STRIDED_BATCH_OFFSET, layout.over)
        return made

    def _set(self, kind: str, thing: int, attribute: Any, value: int) -> None:
        dtype = getattr(self._lt, f"get_{kind}_attribute_dtype")(attribute)
        given = np.array([value], dtype)
        getattr(self._lt, f"{kind}_set_attribute")(thing, attribute, given.ctypes.data, given.nbytes)
