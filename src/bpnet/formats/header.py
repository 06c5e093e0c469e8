"""The header of a safetensors file, checked against the file before anything is made of it.

The file is 8 bytes with the length of the header, little-endian; the header, JSON: for each array its type, shape and
place; and the bytes of the arrays, one after another without gaps. No number in the header is believed that the length
of the file does not bear out, so nothing is taken that is much larger than the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from typing import Any

from bpnet.formats.plain import JSONError, document

LARGEST = 1 << 25
"""Bytes of a header. As Python's objects, JSON takes up to thirty times as much."""

MOST_AXES = 32
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
SIZES |= {"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}


class HeaderError(ValueError):
    """What is wrong with a file, and the mend, as the end of a sentence about it."""


OTHER = "Mend: take another copy of it, or an earlier checkpoint"


def damaged(what: str) -> HeaderError:
    """The file is damaged, and how that shows."""
    return HeaderError(f"is damaged: {what}. {OTHER}")


def cut_short(what: str) -> HeaderError:
    """The file ends too early, and how that shows."""
    return HeaderError(f"is cut short: {what}. {OTHER}")


@dataclass(frozen=True)
class Entry:
    """An array: its type, its shape, and where its bytes lie in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def header(data: bytes) -> tuple[dict[str, str], dict[str, Entry]]:
    """The metadata and the arrays' places; HeaderError where they are not those of a whole safetensors file."""
    if len(data) < 9 or data[8:9] != b"{":
        if not data:
            raise HeaderError(f"is empty. {OTHER}")
        raise HeaderError("is no safetensors file, which a saved model is. Mend: give the path of a saved model")
    length = int.from_bytes(data[:8], "little")
    if length > LARGEST:
        raise HeaderError(f"claims a header of {length:,} bytes, which no saved model has. {OTHER}")
    if length > len(data) - 8:
        raise cut_short(f"its header has {length:,} bytes, and {len(data) - 8:,} are there")
    try:
        found = document(data[8 : 8 + length].decode("utf-8"))
    except (JSONError, UnicodeDecodeError) as error:
        raise damaged(f"its header is not readable ({error})") from error
    metadata = found.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise damaged("its metadata are not text")
    entries = {name: _entry(name, value, 8 + length) for name, value in found.items()}
    _require_filled(entries, 8 + length, len(data))
    return metadata, entries


def _entry(name: str, value: Any, begin: int) -> Entry:
    """An array as the header describes it; HeaderError where its shape and its place do not agree."""
    if _is_array(value):
        size = prod(value["shape"]) * SIZES[value["dtype"]]
        start, stop = value["data_offsets"]
        if stop - start == size:
            return Entry(value["dtype"], tuple(value["shape"]), begin + start, begin + stop)
    raise damaged(f"the array {name[:80]!r} is described by {json.dumps(value)[:120]}")


def _is_array(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        return False
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    sized = isinstance(dtype, str) and dtype in SIZES and _are_counts(shape) and len(shape) <= MOST_AXES
    return sized and _are_counts(offsets) and len(offsets) == 2


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in value)


def _require_filled(entries: dict[str, Entry], begin: int, length: int) -> None:
    """HeaderError unless the arrays lie one after another from the header's end to that of the file."""
    at = begin
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != at:
            raise damaged(f"the array {name[:80]!r} does not begin where the one before ends")
        at = entry.stop
    if at > length:
        raise cut_short(f"{at:,} bytes are announced, and {length:,} are there")
    if at < length:
        raise damaged(f"{at:,} bytes are announced, and {length:,} are there")
