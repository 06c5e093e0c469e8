"""CUDA C++ compiled for the CPU, kept by the hash of its text, and launched."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OPTIONS = ("-O1", "-std=c++17", "-ffp-contract=off", "-fwrapv", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-w")
LIBRARIES = ("-nostdlib", "-lm", "-lc")
"""None of C++'s, whose linking takes as long as the compiling of a small kernel."""
MOST_THREADS, MOST_ROWS = 1024, 65535
"""Of a block; of blocks along y. Along x there are 2³¹ - 1."""
_alone = threading.Lock()
"""One kernel is compiled or runs at a time: all have the same threads, and ranks may be threads of this process."""


class Kernel:
    """One `extern "C" __global__` function."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.name = name
        self._launch = getattr(library, f"{name}_launch")
        self._launch.restype = ctypes.c_char_p
        parameters = getattr(library, f"{name}_parameters")
        parameters.restype = ctypes.c_char_p
        self._kinds = parameters().decode()

    def __call__(
        self, grid: Sequence[int], block: Sequence[int], arguments: Sequence[int | float], backwards: bool = False
    ) -> None:
        """All blocks, one after another. RuntimeError: a barrier that not all threads reached, or a wrong launch."""
        shape = [*grid, 1, 1][:3] + [*block, 1, 1][:3]
        threads = shape[3] * shape[4] * shape[5]
        if not 1 <= threads <= MOST_THREADS or min(shape) < 1 or shape[0] >= 2**31 or max(shape[1:3]) > MOST_ROWS:
            raise RuntimeError(f"{self.name}: grid {grid} of blocks {block} was launched, which no GPU takes")
        given = "".join("d" if isinstance(value, float) else "i" for value in arguments)
        if given != self._kinds.replace("p", "i"):
            raise RuntimeError(f"{self.name}: arguments {given} were given, expected {self._kinds}")
        words = struct.pack("=" + given.replace("i", "q"), *arguments)
        with _alone:
            failed = self._launch((ctypes.c_uint * 6)(*shape), words, int(backwards))
        if failed is not None:
            raise RuntimeError(f"{self.name}: {failed.decode()}")


def load(text: str, names: Sequence[str]) -> list[Kernel]:
    """The kernels of these names. RuntimeError: what the compiler says, in lines of the text.

    The test is skipped, with the reason, where there is no such compiler.
    """
    if sys.platform != "linux" or shutil.which("g++") is None:
        pytest.skip("CUDA is emulated with g++ on Linux, and one of them is missing. Mend: apt install g++")
    with _alone:
        library = _library(text, tuple(names))
    return [Kernel(library, name) for name in names]


@cache
def _library(text: str, names: tuple[str, ...]) -> ctypes.CDLL:
    _fibers()
    after = "\n".join(f"KERNEL_ON_CPU({name})" for name in names)
    whole = f'#include "cuda_on_cpu.h"\n#line 1 "kernels.cu"\n{text}\n#line 1 "launches"\n{after}\n'
    return ctypes.CDLL(str(_compiled(whole, (HERE / "cuda_on_cpu.h").read_text())))


@cache
def _fibers() -> ctypes.CDLL:
    """What runs threads; the kernels' libraries find it by name."""
    return ctypes.CDLL(str(_compiled((HERE / "fibers.cpp").read_text())), mode=ctypes.RTLD_GLOBAL)


def _compiled(text: str, header: str = "") -> Path:
    folder = Path(os.environ.get("BPNET_CACHE") or Path(tempfile.gettempdir()) / "bpnet-tests") / "cuda-on-cpu"
    key = hashlib.sha256("\0".join([text, header, *OPTIONS, *LIBRARIES]).encode()).hexdigest()[:32]
    made = folder / f"{key}.so"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{key}.{os.getpid()}.so"
        command = ["g++", *OPTIONS, "-I", str(HERE), "-x", "c++", "-", *LIBRARIES, "-o", str(unfinished)]
        run = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        if run.returncode:
            raise RuntimeError(f"the kernels cannot be compiled:\n{run.stderr}")
        unfinished.replace(made)
    return made
