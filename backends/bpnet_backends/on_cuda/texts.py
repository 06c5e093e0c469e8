"""The texts of hand-written kernels: a file of `kernels/`, with types and sizes as constants before it.

All stands in a namespace of its own, so that several of them can be in one text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("kernels")
REALS = {"float32": "float", "float64": "double"}
"""The types that there are kernels for."""


def named(kind: str, dtype: str, constants: Mapping[str, int], body: str) -> tuple[str, str]:
    """A name that no other text has, and the text; `ENTRY` in `body` stands for the name."""
    numbers = ", ".join(f"{name} = {value}" for name, value in constants.items())
    whole = f"typedef {REALS[dtype]} T;\nenum {{ {numbers} }};\n{body}"
    entry = f"{kind}_{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
    return entry, f"namespace of_{entry} {{\n{whole.replace('ENTRY', entry)}}}\nusing of_{entry}::{entry};\n"


@cache
def file(name: str) -> str:
    """The text of a file of `kernels/`, without its opening comment, which is for people."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    while lines and (lines[0].startswith("//") or not lines[0].strip()):
        del lines[0]
    return "".join(lines)
