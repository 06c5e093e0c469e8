"""CUDA C++ into machine code by NVRTC, NVIDIA's compiler as a library, which needs no GPU.

Multiply-adds are not contracted, nothing is flushed to zero and division is IEEE's: the same formula rounds as it does
on the CPU. What was compiled is kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Any

from bpnet_backends import keeping

INSTALL = "Mend: pip install 'bpnet[cuda12]' or 'bpnet[cuda13]', whichever CUDA the driver serves (nvidia-smi)"
OPTIONS = ("--std=c++17", "--fmad=false")
NAME = "kernels.cu"
AROUND = 2
"""Lines shown before and behind one that NVRTC objects to."""


def compiled(text: str, architecture: int) -> bytes:
    """What `cuModuleLoadData` takes for a GPU of compute capability `architecture` (90 is 9.0): a cubin.

    PTX, which the driver translates, where the GPU is newer than NVRTC.
    RuntimeError: NVRTC's log and the lines it names.
    """
    target = _target(architecture)
    version = ".".join(map(str, _checked("nvrtcVersion")))
    options = (f"--gpu-architecture={target}", *OPTIONS)
    key = hashlib.sha256("\0".join([text, version, *options]).encode()).hexdigest()[:32]
    name = f"{key}.{'cubin' if target.startswith('sm_') else 'ptx'}"
    code = keeping.kept(name)
    if code is None:
        keeping.announce()
        code = _compiled(text, options)
        keeping.keep(name, code)
    return code


def obstacle() -> str | None:
    """Why nothing can be compiled here, with the mend; None where it can."""
    try:
        _checked("nvrtcVersion")
    except (ImportError, RuntimeError) as error:
        return str(error)
    return None


def _target(architecture: int) -> str:
    (supported,) = _checked("nvrtcGetSupportedArchs")
    if architecture in supported:
        return f"sm_{architecture}"
    older = [known for known in supported if known < architecture]
    if not older:
        version = ".".join(map(str, _checked("nvrtcVersion")))
        raise RuntimeError(
            f"this GPU has compute capability {architecture / 10}, but NVRTC {version} compiles for "
            f"{min(supported) / 10} and newer. Mend: install the packages of an older CUDA, pip install 'bpnet[cuda12]'"
        )
    return f"compute_{max(older)}"


def _compiled(text: str, options: tuple[str, ...]) -> bytes:
    (program,) = _checked("nvrtcCreateProgram", text.encode(), NAME.encode(), 0, [], [])
    try:
        given = [option.encode() for option in options]
        try:
            _checked("nvrtcCompileProgram", program, len(given), given)
        except RuntimeError as error:
            log = _written("ProgramLog", program).rstrip(b"\0").decode()
            raise RuntimeError(f"{error}, {' '.join(options)}:\n{log.strip()}\n{_named(text, log)}") from None
        return _written("CUBIN" if "sm_" in options[0] else "PTX", program)
    finally:
        _checked("nvrtcDestroyProgram", program)


def _written(what: str, program: Any) -> bytes:
    """What NVRTC writes into memory that it is given."""
    (size,) = _checked(f"nvrtcGet{what}Size", program)
    content: bytes = b" " * max(size, 2)  # NVRTC writes into them; Python shares bytes of length 1 among all users
    _checked(f"nvrtcGet{what}", program, content)
    return content[:size]


def _named(text: str, log: str) -> str:
    """The lines of `text` that the log names, with their numbers and those around."""
    named = {int(number) for number in re.findall(rf"{re.escape(NAME)}\((\d+)\)", log)}
    shown = sorted({line for number in named for line in range(number - AROUND, number + AROUND + 1)})
    lines = text.splitlines()
    return "\n".join(
        f"{'>' if number in named else ' '}{number:5} {lines[number - 1]}"
        for number in shown
        if 1 <= number <= len(lines)
    )


def _checked(name: str, *arguments: Any) -> tuple[Any, ...]:
    """What a function of NVRTC returns behind its result code, which has to be success."""
    nvrtc = _nvrtc()
    result, *values = getattr(nvrtc, name)(*arguments)
    if result != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        _, meaning = nvrtc.nvrtcGetErrorString(result)
        raise RuntimeError(f"{name} failed with {meaning.decode()}")
    return tuple(values)


@cache
def _nvrtc() -> Any:
    try:
        from cuda.bindings import nvrtc
    except ImportError as error:
        raise ImportError(f"the package cuda-bindings cannot be imported ({error}). {INSTALL}") from error
    try:
        nvrtc.nvrtcVersion()
    except RuntimeError as error:
        raise RuntimeError(f"NVRTC, CUDA's compiler, cannot be loaded ({error}). {INSTALL}") from error
    return nvrtc
