"""The words of kernels: functions that their text may call, each with its translation.

Most stand for themselves: `np.float32(x)` converts, `np.sqrt(x)` is the square root, `math.exp(x)` that of the C
library. The others are defined here. They reach below arrays, to memory and functions by their addresses, and Python
cannot run them.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np
from llvmlite import ir

from bpnet_backends.on_numba.translation import Translation
from bpnet_backends.on_numba.values import TYPES, TranslationError, Value

POINTER = ir.IntType(8).as_pointer()
MANY = ir.IntType(64)


def _word(name: str, meaning: str) -> Callable[..., Any]:
    def word(*_: Any) -> NoReturn:
        raise TypeError(f"{name} is a word of kernels: it is compiled, not run")

    word.__name__, word.__doc__ = name, meaning
    return word


float32_at = _word("float32_at", "(address): the float32 there and after it, to be indexed.")
float64_at = _word("float64_at", "(address): the float64 there and after it.")
int64_at = _word("int64_at", "(address): the int64 there and after it.")
bool_at = _word("bool_at", "(address): the bytes there and after it, 0 for false.")
call_kernel = _word("call_kernel", "(address, arguments, start, stop, chunk): call the kernel at `address`.")
call_fortran = _word("call_fortran", "(address, *arguments): int64 are addresses, passed on; others go by reference.")
call_c = _word("call_c", "(address, *arguments): call a function of C that takes 64-bit numbers and returns nothing.")
bits_of_float32 = _word("bits_of_float32", "(x): the 32 bits of a float32 as an int32.")
float32_of_bits = _word("float32_of_bits", "(bits): the float32 that has these 32 bits.")
ask_c = _word("ask_c", "(address): call a function of C that takes nothing; the int that it returns, as an int64.")
atomic_add = _word("atomic_add", "(address, n): add n to the int64 there, as one act; what was there before.")
atomic_load = _word("atomic_load", "(address): the int64 there, and all that others wrote before they wrote it.")
pause = _word("pause", "(): tell the processor that this is a loop that waits.")
spread = _word("spread", "(x, memory): a vector of the kind that lies in `memory`, with x in each place.")
total = _word("total", "(vector): the sum of its numbers, in whatever order is fastest.")
VECTORS = {f"{of}_at": _word(f"{of}_at", f"(address): the {of} there and after it.") for of in TYPES if "x" in of}
"""float32x8_at and the like."""


def _memory(of: str, kernel: Translation, address: Value) -> Value:
    return Value(f"*{of}", kernel.builder.inttoptr(address.llvm, TYPES[of].as_pointer()))


def _call(kernel: Translation, address: Value, types: list[Any], values: list[Any]) -> None:
    function = ir.FunctionType(ir.VoidType(), types).as_pointer()
    kernel.builder.call(kernel.builder.inttoptr(address.llvm, function), values)


def _call_c(kernel: Translation, address: Value, *arguments: Value) -> None:
    values = [kernel.cast(argument, "int64").llvm for argument in arguments]
    _call(kernel, address, [MANY] * len(values), values)


def _ask_c(kernel: Translation, address: Value) -> Value:
    function = ir.FunctionType(TYPES["int32"], []).as_pointer()
    answer = kernel.builder.call(kernel.builder.inttoptr(address.llvm, function), [])
    return kernel.cast(Value("int32", answer), "int64")


def _call_fortran(kernel: Translation, address: Value, *arguments: Value) -> None:
    passed = []
    for argument in arguments:
        if argument.of == "int64":
            passed.append(kernel.builder.inttoptr(argument.llvm, POINTER))
        else:
            with kernel.builder.goto_entry_block():
                place = kernel.builder.alloca(argument.llvm.type)
            kernel.builder.store(argument.llvm, place)
            passed.append(kernel.builder.bitcast(place, POINTER))
    _call(kernel, address, [POINTER] * len(passed), passed)


def _atomic_add(kernel: Translation, address: Value, number: Value) -> Value:
    of = TYPES["int64"]
    place, added = kernel.builder.inttoptr(address.llvm, of.as_pointer()), kernel.cast(number, "int64")
    return Value("int64", kernel.builder.atomic_rmw("add", place, added.llvm, "acq_rel"))


def _atomic_load(kernel: Translation, address: Value) -> Value:
    of = TYPES["int64"]
    return Value(
        "int64", kernel.builder.load_atomic(kernel.builder.inttoptr(address.llvm, of.as_pointer()), "acquire", 8)
    )


def _pause(kernel: Translation) -> None:
    processor = platform.machine().lower()
    if processor in ("x86_64", "amd64"):
        name, numbers = "llvm.x86.sse2.pause", []
    elif processor in ("aarch64", "arm64"):
        name, numbers = "llvm.aarch64.hint", [TYPES["int32"](1)]
    else:
        return
    of = ir.FunctionType(ir.VoidType(), [number.type for number in numbers])
    kernel.builder.call(kernel.module.globals.get(name) or ir.Function(kernel.module, of, name), numbers)


def _cast(to: str, kernel: Translation, x: Value) -> Value:
    return kernel.cast(x, to)


def _bits(to: str, kernel: Translation, x: Value) -> Value:
    return Value(to, kernel.builder.bitcast(x.llvm, TYPES[to]))


def _spread(kernel: Translation, x: Value, memory: Value) -> Value:
    of = memory.of[1:]
    single = kernel.cast(x, of.partition("x")[0])
    first = kernel.builder.insert_element(ir.Constant(TYPES[of], ir.Undefined), single.llvm, TYPES["int32"](0))
    everywhere = ir.Constant(ir.VectorType(TYPES["int32"], TYPES[of].count), None)
    return Value(of, kernel.builder.shuffle_vector(first, ir.Constant(TYPES[of], ir.Undefined), everywhere))


def _total(kernel: Translation, x: Value) -> Value:
    of, _, count = x.of.partition("x")
    name = f"llvm.vector.reduce.fadd.v{count}f{of[5:]}"
    function = ir.FunctionType(TYPES[of], [TYPES[of], TYPES[x.of]])
    known = kernel.module.globals.get(name) or ir.Function(kernel.module, function, name)
    return Value(of, kernel.builder.call(known, [TYPES[of](-0.0), x.llvm], fastmath=("reassoc",)))


def _intrinsic(name: str, kernel: Translation, x: Value) -> Value:
    return Value(x.of, kernel.intrinsic(name, x))


def _absolute(kernel: Translation, x: Value) -> Value:
    if x.is_float:
        return _intrinsic("fabs", kernel, x)
    builder = kernel.builder
    return Value(x.of, builder.select(builder.icmp_signed("<", x.llvm, TYPES[x.of](0)), builder.neg(x.llvm), x.llvm))


def _of_c(name: str, kernel: Translation, x: Value) -> Value:
    if x.of != "float64":
        raise TranslationError(f"math.{name} takes float64, not {x.of}")
    of = ir.FunctionType(TYPES["float64"], [TYPES["float64"]])
    function = kernel.module.globals.get(name) or ir.Function(kernel.module, of, name)
    return Value("float64", kernel.builder.call(function, [x.llvm]))


WORDS: dict[Any, Callable[..., Any]] = {
    **{getattr(np, of): partial(_cast, of) for of in ("float32", "float64", "int64", "int32", "uint8")},
    **{getattr(np, name): partial(_intrinsic, name) for name in ("sqrt", "floor", "ceil")},
    **{getattr(math, name): partial(_intrinsic, name) for name in ("exp", "log", "cos", "sin")},
    **{getattr(math, name): partial(_of_c, name) for name in ("expm1", "log1p", "tanh")},
    abs: _absolute,
    float32_at: partial(_memory, "float32"),
    float64_at: partial(_memory, "float64"),
    int64_at: partial(_memory, "int64"),
    bool_at: partial(_memory, "uint8"),
    call_kernel: _call_c,
    call_c: _call_c,
    ask_c: _ask_c,
    call_fortran: _call_fortran,
    atomic_add: _atomic_add,
    atomic_load: _atomic_load,
    pause: _pause,
    spread: _spread,
    total: _total,
    **{word: partial(_memory, name.removesuffix("_at")) for name, word in VECTORS.items()},
    bits_of_float32: partial(_bits, "int32"),
    float32_of_bits: partial(_bits, "float32"),
}


def of_type(dtype: str) -> dict[str, Any]:
    """What a kernel that is written for any type has to be told: the type, the word for its memory, and its bytes."""
    of = np.dtype(dtype)
    return {"REAL": of.type, "REAL_at": globals()[f"{dtype}_at"], "BYTES": of.itemsize}
