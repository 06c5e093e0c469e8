"""IDX, the format of MNIST's own files: 4 bytes of magic, 4 for the length of each axis, then a byte an element.

All numbers are big-endian. The magic is 0x00000800 plus the number of axes: 3 for images, 1 for labels.
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

GZIP = b"\x1f\x8b"
MAGIC = 0x800
"""Unsigned bytes; the number of axes is added."""


def read_idx(path: Path, axes: int) -> np.ndarray:
    """The array of `axes` axes in the file, gzipped or not. ValueError where it is another file or not whole."""
    content = _content(path)
    header = 4 * (1 + axes)
    magic, *shape = (int.from_bytes(content[at : at + 4], "big") for at in range(0, header, 4))
    if magic != MAGIC + axes:
        raise ValueError(
            f"data: {str(path)!r} begins with {magic:#010x}, expected {MAGIC + axes:#010x}, an IDX file of bytes with "
            f"{axes} axes. Mend: get it again; images and labels must not be exchanged"
        )
    if len(content) != header + prod(shape):
        raise ValueError(
            f"data: {str(path)!r} has {len(content)} bytes, expected {header + prod(shape)} for the shape "
            f"{tuple(shape)} in its header. Mend: get it again, it is not whole"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _content(path: Path) -> bytes:
    """The file's bytes, unpacked where they are gzipped, whatever its name says."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"data: {str(path)!r} cannot be read ({error}), expected an IDX file, gzipped or not. Mend: get it again"
        ) from error
