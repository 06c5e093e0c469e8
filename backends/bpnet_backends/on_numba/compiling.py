"""Text into machine code: a kernel is translated, optimized by LLVM for this processor, and kept in the user's cache.

LLVM is what Numba compiles with, and comes with it (llvmlite). Numba's own way there takes 0.1 to 2 s a kernel, most of
it spent on finding out types; kernels have few, and each is written down.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import math
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import llvmlite
import numpy as np
from llvmlite import binding, ir

from bpnet_backends.on_numba import mathematics, words
from bpnet_backends.on_numba.translation import translated

KNOWN: dict[str, Any] = {**vars(words), **words.VECTORS, "np": np, "math": math, "fast": mathematics}
"""What the text of a kernel may name."""

_addresses: dict[str, int] = {}


def cache_folder() -> Path:
    """BPNET_CACHE, where it is set; else the user's cache folder."""
    given = os.environ.get("BPNET_CACHE")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "bpnet" / "kernels"


def address_of(text: str, **constants: Any) -> int:
    """The address of the function that `text` defines, compiled unless this machine has done it before.

    `constants` are what else the text may name. The first compilation of a process is announced on standard error.
    """
    key = key_of(text, **constants)
    if key not in _addresses:
        code = _kept(key)
        if code is None:
            _announce()
            code = compiled(text, f"kernel_{key}", constants)
            _keep(key, code)
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


# ---- what is kept


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


def _kept(key: str) -> bytes | None:
    """The machine code of that key; None where there is none, or where it is not what was written."""
    try:
        found = (cache_folder() / f"{key}.o").read_bytes()
    except OSError:
        return None
    checksum, code = found[:32], found[32:]
    return code if hashlib.sha256(code).digest() == checksum else None


def _keep(key: str, code: bytes) -> None:
    """Written under another name and moved, because several processes may do it at once.

    A folder that cannot be written costs the next process a second, no more.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            path = Path(own, "code")
            path.write_bytes(hashlib.sha256(code).digest() + code)
            os.replace(path, folder / f"{key}.o")
    except OSError as error:
        _not_kept(error)


@cache
def _say(text: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # a progress bar may stand on the line
    print(f"{clear}bpnet: {text}", file=sys.stderr, flush=True)


def _announce() -> None:
    _say("compiling kernels, which are kept for the next time")


def _not_kept(error: OSError) -> None:
    _say(f"compiled kernels cannot be kept ({error}). Mend: set BPNET_CACHE to a folder that can be written")
