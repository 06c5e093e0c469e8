"""Files that are read block by block: Parquet by its row groups, NPY by stretches of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.tables.error import TableError
from bpnet.tables.frames import needed
from bpnet.tables.reading import require_names, suffix

CHUNK = 1 << 16
NUMBERS = 1 << 23
"""So many rows at once, and of many columns no more than so many values (64 MiB), but a row at least."""


def at_once(columns: int) -> int:
    """The rows of a chunk."""
    return max(1, min(CHUNK, NUMBERS // max(1, columns)))


class Source(ABC):
    """A table in `blocks`, which can be read in any order; `blocks[i]` is the number of its rows."""

    path: Path
    names: list[str]
    blocks: list[int]
    size: int
    """Bytes that it would take in memory, about."""

    @property
    def rows(self) -> int:
        """In all."""
        return sum(self.blocks)

    @abstractmethod
    def chunks(self, block: int) -> Iterator[Any]:
        """The rows of a block in order, as tables of Arrow with at most `at_once` rows."""


class ParquetSource(Source):
    """Row groups; a chunk of a group is decoded when it is its turn."""

    def __init__(self, path: Path) -> None:
        from pyarrow import ArrowException, parquet

        self.path = path
        try:
            with parquet.ParquetFile(path) as file:
                facts, self.names = file.metadata, list(file.schema_arrow.names)
        except (ArrowException, OSError) as error:
            raise TableError(f"{path}: not a Parquet file that can be read ({error})") from error
        groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
        self.blocks = [group.num_rows for group in groups]
        self.size = max(8 * self.rows * len(self.names), sum(group.total_byte_size for group in groups))

    def chunks(self, block: int) -> Iterator[Any]:
        """A chunk at a time, read from the file as it is asked for."""
        _, pa = needed()
        from pyarrow import parquet

        with parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 20) as file:
            for batch in file.iter_batches(at_once(len(self.names)), row_groups=[block], use_threads=False):
                yield pa.Table.from_batches([batch])


class NpySource(Source):
    """Stretches of rows of an array (N, K) in C order, read from the file, which is not mapped into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (EOFError, ValueError, OSError) as error:
            raise TableError(f"{path}: not a file of a plain NumPy array ({error})") from error
        if array.ndim != 2 or array.dtype.kind not in "biuf" or not array.flags.c_contiguous:
            order = "" if array.flags.c_contiguous else " in Fortran order"
            raise TableError(
                f"{path}: an array of shape {array.shape} and type {array.dtype}{order} came, expected (rows, columns) "
                "of numbers in C order. Mend: numpy.save(path, numpy.ascontiguousarray(array))"
            )
        self._dtype, self._offset, (rows, columns) = array.dtype, int(array.offset), array.shape
        self.names, self._each = [str(number) for number in range(columns)], at_once(columns)
        self.blocks = [min(self._each, rows - start) for start in range(0, rows, self._each)]
        self.size = 8 * rows * columns

    def chunks(self, block: int) -> Iterator[Any]:
        """The block is a chunk."""
        _, pa = needed()
        columns, rows = len(self.names), self.blocks[block]
        offset = self._offset + block * self._each * columns * self._dtype.itemsize
        array = np.fromfile(self.path, self._dtype, rows * columns, offset=offset).reshape(rows, columns)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        yield pa.table({name: pa.array(array[:, number]) for number, name in enumerate(self.names)})


def source_of(path: str | Path) -> Source:
    """The file as a source; TableError where its kind cannot be read by blocks."""
    path = Path(path)
    kinds = {".parquet": ParquetSource, ".npy": NpySource}
    ending = suffix(path)
    if ending not in kinds:
        raise TableError(
            f"{path}: only {' and '.join(kinds)} can be read in parts, expected one of these for training in parts. "
            "Mend: write the table as Parquet"
        )
    source: Source = kinds[ending](path)
    require_names(path, source.names)
    if source.rows < 2:
        raise TableError(f"{path}: {source.rows} rows came, expected 2 or more")
    return source
