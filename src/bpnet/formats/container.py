"""Arrays and facts in one file: safetensors, with the facts as JSON in its metadata, a format version and a checksum.

Nothing in the file is executed or imported. Before anything is made of it, the header is checked against the length of
the file, and SHA-256 over all names, types, shapes, bytes and the JSON text against the one that was written: a file
that was cut or changed is an error, whatever was changed.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet.formats.atomic import write_bytes
from bpnet.formats.checksum import checksum
from bpnet.formats.header import LARGEST, Entry, HeaderError, damaged, header
from bpnet.formats.plain import JSONError, json_text, parsed

FORMAT = "bpnet"
VERSION = 1
KINDS = ("model", "checkpoint", "table")
_KEYS = {"format", "version", "kind", "facts", "sha256"}
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class CheckpointError(ValueError):
    """A file is no checkpoint, or none that this bpnet can read, or does not fit the model."""


class MissingCheckpointError(CheckpointError, FileNotFoundError):
    """There is no such file."""


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds."""

    kind: str
    """`model`; `checkpoint`, a model with the run that it is in; `table`, a model with its preprocessing."""
    arrays: dict[str, np.ndarray]
    """`theta`, `state`, `keys`, `optimizer/0`, …, and what others add under names of their own."""
    facts: dict[str, Any]
    """JSON: dictionaries with text as keys, lists, text, numbers, True, False and None; NaN and infinities too."""


def write(path: str | os.PathLike[str], content: Content) -> None:
    """Write a file that `read` reads; see `atomic.write_bytes`. ValueError or TypeError names what does not fit in."""
    write_bytes(path, to_bytes(content))


def read(path: str | os.PathLike[str]) -> Content:
    """What `write` wrote. CheckpointError: there is no such file, or it is damaged, of another format or newer."""
    where = os.fspath(path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CheckpointError(f"path: {where!r} is no ordinary file. Mend: give the path of a saved model")
            data = file.read()
    except FileNotFoundError as error:
        raise MissingCheckpointError(f"path: there is no file {where!r}. Mend: check the path") from error
    except IsADirectoryError as error:
        raise CheckpointError(
            f"path: {where!r} is a folder, expected a file. Mend: give the path of a file in it"
        ) from error
    except OSError as error:
        raise CheckpointError(
            f"path: {where!r} could not be read ({error.strerror}). Mend: check the path and its permissions"
        ) from error
    return from_bytes(data, where)


def to_bytes(content: Content) -> bytes:
    """The file as bytes."""
    from safetensors.numpy import save

    if content.kind not in KINDS:
        raise ValueError(f"kind: {content.kind!r} was given, expected one of {', '.join(KINDS)}")
    arrays = {name: _plain_array(name, array) for name, array in content.arrays.items()}
    facts = json_text(content.facts)
    parts = [
        (name, _NAMES[array.dtype.name], array.shape, array.reshape(-1).view(np.uint8).data)
        for name, array in arrays.items()
    ]
    metadata = {"format": FORMAT, "version": str(VERSION), "kind": content.kind, "facts": facts}
    data = save(arrays, metadata | {"sha256": checksum(metadata, parts)})
    if int.from_bytes(data[:8], "little") > LARGEST:
        raise ValueError(
            f"facts: they take {len(facts):,} characters as JSON, more than a file may have ({LARGEST:,}). "
            "Mend: keep what is long as arrays"
        )
    return data


def from_bytes(data: bytes, where: str = "data") -> Content:
    """The inverse of `to_bytes`; `where` is what errors call it. CheckpointError as for `read`."""
    try:
        return _content(data, where)
    except HeaderError as error:
        raise CheckpointError(f"path: {where!r} {error}") from error


def _content(data: bytes, where: str) -> Content:
    metadata, entries = header(data)
    if metadata.get("format") != FORMAT:
        raise HeaderError(
            "is a safetensors file, but none that bpnet has saved. Mend: safetensors.numpy.load_file(path) reads its "
            "arrays, and model.set_weights takes them"
        )
    version = metadata.get("version", "")
    if not re.fullmatch("[1-9][0-9]{0,8}", version):
        raise damaged(f"its format version is {version[:20]!r}")
    if int(version) > VERSION:
        raise HeaderError(
            f"has the format version {version}, and this bpnet reads versions up to {VERSION}. Mend: a newer bpnet"
        )
    if set(metadata) != _KEYS:
        raise damaged("its metadata are incomplete, or more than they should be")
    for name, entry in entries.items():
        if entry.dtype not in _DTYPES:
            raise damaged(f"the array {name[:80]!r} has the type {entry.dtype[:20]!r}")
    claimed = metadata.pop("sha256")
    if checksum(metadata, [_part(name, entry, data) for name, entry in entries.items()]) != claimed:
        raise damaged("its checksum is not that of its contents")
    if metadata["kind"] not in KINDS:
        raise damaged(f"its kind is {metadata['kind'][:20]!r}")
    try:
        facts = parsed(metadata["facts"])
    except JSONError as error:
        raise damaged(f"its facts are not readable ({error})") from error
    return Content(metadata["kind"], _arrays(data, entries), facts)


def _arrays(data: bytes, entries: dict[str, Entry]) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        loaded = load(data)
    except (SafetensorError, ValueError, OverflowError) as error:
        raise damaged(str(error)[:200]) from error
    return {name: loaded[name] for name in sorted(entries)}


def _part(name: str, entry: Entry, data: bytes) -> tuple[str, str, tuple[int, ...], memoryview]:
    return name, entry.dtype, entry.shape, memoryview(data)[entry.start : entry.stop]


def _plain_array(name: str, array: Any) -> np.ndarray:
    """The array in C order and in the byte order of the format, little-endian."""
    if not isinstance(name, str) or name == "__metadata__":
        raise TypeError(f"arrays: the name {name!r} was given, expected text other than '__metadata__'")
    array = np.asarray(array)
    if array.dtype.name not in _NAMES:
        raise TypeError(f"arrays: {name!r} has the type {array.dtype}, expected one of {', '.join(_NAMES)}")
    return np.array(array, dtype=array.dtype.newbyteorder("<"), order="C", copy=None)


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would wait for somebody to write into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
