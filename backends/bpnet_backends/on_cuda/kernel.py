"""A generated kernel: its text, and what it is launched on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bpnet_backends.on_cuda.translation import TYPES

KERNEL = "KERNEL"
"""What a kernel is called until its text is complete."""


@dataclass(frozen=True, eq=False)
class Pointer:
    """Where elements of an array lie: those of `array`, of which the first one that is meant has this address."""

    array: np.ndarray
    address: int


@dataclass(frozen=True, eq=False)
class Kernel:
    """What is launched, on stand-ins: where they lie on the device is known later."""

    title: str
    """For people."""
    entry: str
    text: str
    grid: tuple[int, int]
    block: tuple[int, int]
    arguments: tuple[Pointer | float, ...]
    reads: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
    shape: tuple[int, ...]
    """Of what it goes through."""
    bytes_read: int
    bytes_written: int
    flop: int


@dataclass
class Parameters:
    """The parameters of a kernel that is being written. Its text names them, and no address or number in them."""

    _names: dict[object, str] = field(default_factory=dict)
    _declared: list[tuple[str, str, Pointer | float]] = field(default_factory=list)
    _read: dict[str, np.ndarray] = field(default_factory=dict)
    _written: dict[str, np.ndarray] = field(default_factory=dict)

    def read(self, array: np.ndarray, address: int, dtype: str) -> str:
        """The name of a pointer to what is read."""
        return self._pointer(array, address, dtype, self._read)

    def written(self, array: np.ndarray, address: int, dtype: str) -> str:
        """The name of a pointer to what is written."""
        return self._pointer(array, address, dtype, self._written)

    def number(self, value: float, dtype: str) -> str:
        """The name of a number, which is no part of the text, so that kernels that differ in it are one."""
        name = self._named((value, dtype), "c", "double", value)
        return f"{TYPES[dtype]}({name})"

    @property
    def arguments(self) -> tuple[Pointer | float, ...]:
        """What they are, in their order."""
        return tuple(argument for _, _, argument in self._declared)

    @property
    def reads(self) -> tuple[np.ndarray, ...]:
        """The arrays that are read."""
        return tuple(self._read.values())

    @property
    def outputs(self) -> tuple[np.ndarray, ...]:
        """The arrays that are written."""
        return tuple(self._written.values())

    def finished(self, body: Sequence[str], threads: int) -> tuple[str, str]:
        """The kernel's name, which is the same for the same text, and its text."""
        declared = ", ".join(
            f"{'const ' if name in self._read and name not in self._written else ''}{of} {name}"
            for name, of, _ in self._declared
        )
        head = f'extern "C" __global__ void __launch_bounds__({threads}) {KERNEL}({declared}) {{\n'
        text = head + "".join(f"    {line}\n" for line in body) + "}\n"
        entry = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        return entry, text.replace(KERNEL, entry, 1)

    def _pointer(self, array: np.ndarray, address: int, dtype: str, touched: dict[str, np.ndarray]) -> str:
        # Nothing else that a kernel writes lies where it reads: operations that would are never merged.
        name = self._named((address, dtype), "p", f"{TYPES[dtype]}* __restrict__", Pointer(array, address))
        touched.setdefault(name, array)
        return name

    def _named(self, key: object, letter: str, of: str, argument: Pointer | float) -> str:
        if key not in self._names:
            self._names[key] = f"{letter}{len(self._names)}"
            self._declared.append((self._names[key], of, argument))
        return self._names[key]
