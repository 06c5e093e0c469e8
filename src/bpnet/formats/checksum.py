"""SHA-256 over all that a checkpoint says: its metadata and the name, type, shape and bytes of every array."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Part: TypeAlias = tuple[str, str, tuple[int, ...], bytes | memoryview]
"""An array: its name, its type as safetensors calls it, its shape and its bytes."""


def checksum(metadata: Mapping[str, str], parts: Iterable[Part]) -> str:
    """SHA-256 in hexadecimal, of a JSON text and the bytes of the arrays in the order of their names.

    The text is [metadata sorted by key, [[name, type, shape], …] sorted by name] without spaces, in ASCII, followed by
    a zero byte. It gives the length of all that follows it, so no two contents have the same bytes.
    """
    ordered = sorted(parts, key=lambda part: part[0])
    described = [dict(sorted(metadata.items())), [[name, dtype, list(shape)] for name, dtype, shape, _ in ordered]]
    digest = hashlib.sha256(json.dumps(described, separators=(",", ":")).encode("ascii") + b"\0")
    for *_, data in ordered:
        digest.update(data)
    return digest.hexdigest()
