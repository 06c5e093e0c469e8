"""Text into machine code: a kernel is translated, optimized by LLVM for this processor, and kept in the user's cache.

LLVM is what Numba compiles with, and comes with it (llvmlite). Numba's own way there takes 0.1 to 2 s a kernel, most of
it spent on finding out types; kernels have few, and each is written down.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import RLock
from types import FunctionType
from typing import Any

import llvmlite
import numpy as np
from llvmlite import binding, ir

from bpnet_backends import keeping
from bpnet_backends.on_numba import mathematics, words
from bpnet_backends.on_numba.translation import translated

KNOWN: dict[str, Any] = {**vars(words), **words.VECTORS, "np": np, "math": math, "fast": mathematics}
"""What the text of a kernel may name."""

_addresses: dict[str, int] = {}
_alone = RLock()
"""Threads that train at the same time compile one after another: they share the engine that holds the code."""


def address_of(text: str, **constants: Any) -> int:
    """The address of the function that `text` defines, compiled unless this machine has done it before.

    `constants` are what else the text may name. The first compilation of a process is announced on standard error.
    """
    key = key_of(text, **constants)
    with _alone:
        if key not in _addresses:
            code = keeping.kept(f"{key}.o")
            if code is None:
                keeping.announce()
                code = compiled(text, f"kernel_{key}", constants)
                keeping.keep(f"{key}.o", code)
            engine = _engine()
            engine.add_object_file(binding.ObjectFileRef.from_data(code))
            engine.finalize_object()
            _addresses[key] = engine.get_function_address(f"kernel_{key}")
            assert _addresses[key], "what was compiled has an address"
    return _addresses[key]


def address_of_function(function: Callable[..., Any], **constants: Any) -> int:
    """The address of a function of Python, compiled; `constants` stand in for some of the names that it uses."""
    assert isinstance(function, FunctionType)
    return address_of(source_of(function), **{**_used(function), **constants})


source_of = cache(inspect.getsource)
"""The text of a function."""


def compiled(text: str, name: str, constants: dict[str, Any]) -> bytes:
    """The machine code of the kernel `text`, as the function `name` of an object file."""
    (tree,) = ast.parse(text).body
    assert isinstance(tree, ast.FunctionDef)
    module = ir.Module(name)
    translated(module, name, tree, {**KNOWN, **constants})
    target = _target()
    parsed = binding.parse_assembly(str(module))
    parsed.triple, parsed.data_layout = target.triple, str(target.target_data)
    tuning = binding.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = True
    passes = binding.create_pass_builder(target, tuning)
    passes.getModulePassManager().run(parsed, passes)
    return bytes(target.emit_object(parsed))


@cache
def _target() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    processor, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=processor, features=features, opt=3, jit=True, codemodel="jitdefault"
    )


@cache
def _engine() -> Any:
    """What holds the machine code of this process."""
    return binding.create_mcjit_compiler(binding.parse_assembly(""), _target())


# ---- under which name it is kept


def key_of(text: str, **constants: Any) -> str:
    """A name for what `text` compiles to: of the text, and of all that decides what becomes of it."""
    named = {name: _description(value) for name, value in constants.items()}
    return hashlib.sha256(f"{text}{named}{_foundations()}".encode()).hexdigest()[:32]


def _description(constant: Any) -> str:
    name = str(getattr(constant, "__name__", repr(constant)))
    if not isinstance(constant, FunctionType) or constant in words.WORDS:
        return name
    return name + source_of(constant) + str({key: _description(value) for key, value in _used(constant).items()})


def _used(function: FunctionType) -> dict[str, Any]:
    """What the function names of its module."""
    return {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}


@cache
def _foundations() -> str:
    """A name for what every kernel is built on: its language and mathematics, LLVM's version, and this processor."""
    modules = ("compiling.py", "mathematics.py", "one_thread.py", "team.py", "translation.py", "values.py", "words.py")
    texts = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in modules]
    processor = [binding.get_default_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    return hashlib.sha256("".join([llvmlite.__version__, *processor, *texts]).encode()).hexdigest()
