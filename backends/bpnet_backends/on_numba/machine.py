"""What compiled code needs below the level of arrays: memory by its address, calls by address, and the replay loop.

A kernel is a compiled function (arguments, start, stop, chunk): `arguments` is the address of a table of 64-bit
numbers, addresses of arrays and sizes; it works on the rows from `start` to `stop`, the chunk of that number. A replay
is a table of kernels, so that a whole training step is one call, whatever the number of its operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

KERNEL = types.void(types.intp, types.intp, types.intp, types.intp)
"""(arguments, start, stop, chunk)."""


def _pointer(element: types.Type, llvm: ir.Type) -> Any:
    @intrinsic
    def pointer(context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], llvm.as_pointer())

        return types.CPointer(element)(types.intp), codegen

    return pointer


float32_at = _pointer(types.float32, ir.FloatType())
float64_at = _pointer(types.float64, ir.DoubleType())
int64_at = _pointer(types.int64, ir.IntType(64))
bool_at = _pointer(types.uint8, ir.IntType(8))


@intrinsic
def bits_of_float32(context: Any, x: Any) -> Any:
    """The 32 bits of a float32 as an int32."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic
def float32_of_bits(context: Any, bits: Any) -> Any:
    """The float32 that has these 32 bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), codegen


@intrinsic
def call_kernel(context: Any, address: Any, arguments: Any, start: Any, stop: Any, chunk: Any) -> Any:
    """Call the kernel at `address`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 4).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), codegen


@intrinsic
def call_fortran(context: Any, address: Any, arguments: Any) -> Any:
    """Call a Fortran routine: 64-bit numbers in the tuple are addresses, passed on; others go by reference."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        passed = []
        for i, kind in enumerate(signature.args[1].types):
            value = builder.extract_value(args[1], i)
            if kind == types.intp:
                passed.append(builder.inttoptr(value, ir.IntType(8).as_pointer()))
            else:
                passed.append(builder.bitcast(cgutils.alloca_once_value(builder, value), ir.IntType(8).as_pointer()))
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()] * len(passed)).as_pointer()
        builder.call(builder.inttoptr(args[0], function), passed)
        return context.get_dummy_value()

    return types.void(types.intp, arguments), codegen


@njit(types.void(types.int64[:, ::1], types.int64[:, ::1]), parallel=True, nogil=True, cache=True)
def replay(kernels: np.ndarray, regions: np.ndarray) -> None:
    """Run `regions` in turn; each is (first kernel, one past its last, chunks), a kernel (function, arguments, rows).

    A region of one chunk runs its kernels one after another, each on all of its rows. In a region of several chunks all
    kernels have the same rows; each thread takes chunks of them, and runs all kernels on a chunk while it is in cache.
    """
    for region in range(regions.shape[0]):
        first, stop, chunks = regions[region, 0], regions[region, 1], regions[region, 2]
        if chunks == 1:
            for kernel in range(first, stop):
                call_kernel(kernels[kernel, 0], kernels[kernel, 1], 0, kernels[kernel, 2], 0)
        else:
            rows = kernels[first, 2]
            for chunk in prange(chunks):
                low, high = rows * chunk // chunks, rows * (chunk + 1) // chunks
                for kernel in range(first, stop):
                    call_kernel(kernels[kernel, 0], kernels[kernel, 1], low, high, chunk)
