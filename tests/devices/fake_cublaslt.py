"""What `nvmath.bindings` has of cuBLASLt, on NumPy's memory: it reads layouts as the library does, column by column."""

import ctypes
from enum import IntEnum
from types import SimpleNamespace

import numpy as np


class CuBLASLtError(Exception):
    """What a status other than success becomes."""


class MatmulDescAttribute(IntEnum):
    TRANSA, TRANSB = 3, 4


class MatrixLayoutAttribute(IntEnum):
    BATCH_COUNT, STRIDED_BATCH_OFFSET = 5, 6


class MatmulPreferenceAttribute(IntEnum):
    MAX_WORKSPACE_BYTES = 1
    MIN_ALIGNMENT_A_BYTES, MIN_ALIGNMENT_B_BYTES, MIN_ALIGNMENT_C_BYTES, MIN_ALIGNMENT_D_BYTES = 5, 6, 7, 8


class MatmulHeuristicResult:
    def __init__(self, size):
        self._data = np.zeros(
            size, [("algo", "<u8", (8,)), ("workspace_size", "<u8"), ("state", "<i4"), ("rest", "5i4")]
        )
        self._data.view("u1")[...] = 0x77  # the real one holds whatever stood there, until it is written
        self.ptr = self._data.ctypes.data

    @property
    def state(self):
        return int(self._data["state"][0])

    @property
    def workspace_size(self):
        return int(self._data["workspace_size"][0])


class FakeCublasLt:
    """One of the library. `calls` are the arguments of each product, `asked` the settings at each question for one."""

    cuBLASLtError = CuBLASLtError  # noqa: N815
    MatmulDescAttribute = MatmulDescAttribute
    MatrixLayoutAttribute = MatrixLayoutAttribute
    MatmulPreferenceAttribute = MatmulPreferenceAttribute
    MatmulHeuristicResult = MatmulHeuristicResult
    compute_types = SimpleNamespace(
        COMPUTE_32F=68, COMPUTE_32F_FAST_TF32=77, COMPUTE_32F_FAST_16BF=75, COMPUTE_64F=70, COMPUTE_32F_PEDANTIC=69
    )

    def __init__(self, streams):
        self.streams = streams
        self.things, self.calls, self.asked, self.knows, self.starts = [], [], [], True, True

    def _made(self, **settings):
        self.things.append(settings)
        return len(self.things)

    def _set(self, thing, attribute, address, size):
        kind = {4: ctypes.c_int32, 8: ctypes.c_int64}[size]
        self.things[thing - 1][attribute.name] = kind.from_address(address).value

    matmul_desc_set_attribute = matrix_layout_set_attribute = matmul_preference_set_attribute = _set

    def get_matmul_desc_attribute_dtype(self, attribute):
        return np.int32

    def get_matrix_layout_attribute_dtype(self, attribute):
        return {"BATCH_COUNT": np.int32, "STRIDED_BATCH_OFFSET": np.int64}[attribute.name]

    def get_matmul_preference_attribute_dtype(self, attribute):
        return np.uint64 if attribute.name == "MAX_WORKSPACE_BYTES" else np.uint32

    def create(self):
        if not self.starts:
            raise CuBLASLtError("CUBLAS_STATUS_NOT_INITIALIZED (1)")
        return 1000

    def matmul_desc_create(self, compute, scale):
        return self._made(compute=compute, scale=scale, TRANSA=0, TRANSB=0)

    def matrix_layout_create(self, kind, rows, columns, leading):
        assert leading >= rows >= 1
        return self._made(kind=kind, shape=(rows, columns), leading=leading, BATCH_COUNT=1, STRIDED_BATCH_OFFSET=0)

    def matmul_preference_create(self):
        return self._made()

    def matmul_preference_destroy(self, preference):
        self.things[preference - 1]["destroyed"] = True

    def matmul_algo_get_heuristic(self, handle, description, a, b, c, d, preference, wanted, results, count):
        self.asked.append({**self.things[preference - 1], **self.things[description - 1]})
        if not self.knows:
            raise CuBLASLtError("CUBLAS_STATUS_NOT_SUPPORTED (15)")
        words = (ctypes.c_uint64 * 9).from_address(results)
        words[0], words[8] = 77, 4096  # the algorithm, and the workspace it asks for
        ctypes.c_int32.from_address(results + 72).value = 0  # CUBLAS_STATUS_SUCCESS
        ctypes.c_int32.from_address(count).value = 1

    def matmul(
        self, handle, description, alpha, a, of_a, b, of_b, beta, c, of_c, d, of_d, algo, workspace, size, stream
    ):
        assert (handle, c, of_c, size) == (1000, d, of_d, 4096)
        assert ctypes.c_uint64.from_address(algo).value == 77
        how = self.things[description - 1]
        dtype = {0: "float32", 1: "float64"}[how["scale"]]
        one, zero = np.frombuffer((ctypes.c_char * (2 * np.dtype(dtype).itemsize)).from_address(alpha), dtype)
        assert (one, zero, beta) == (1, 0, alpha + np.dtype(dtype).itemsize)
        left, right, result = (self._places(*pair, dtype) for pair in ((a, of_a), (b, of_b), (d, of_d)))
        left = left.swapaxes(1, 2) if how["TRANSA"] else left
        right = right.swapaxes(1, 2) if how["TRANSB"] else right
        self.streams.do(stream, lambda: np.matmul(left, right, out=result))
        self.calls.append((how["compute"], workspace, stream))

    def _places(self, address, layout, dtype):
        """(stack, rows, columns), columns contiguous."""
        made = self.things[layout - 1]
        rows, columns = made["shape"]
        stack, over, leading = made["BATCH_COUNT"], made["STRIDED_BATCH_OFFSET"], made["leading"]
        assert made["kind"] == {"float32": 0, "float64": 1}[dtype]
        size = np.dtype(dtype).itemsize
        length = (stack - 1) * over + (columns - 1) * leading + rows
        memory = np.frombuffer((ctypes.c_char * (length * size)).from_address(address), dtype)
        strides = (over * size, size, leading * size)
        return np.lib.stride_tricks.as_strided(memory, (stack, rows, columns), strides)
