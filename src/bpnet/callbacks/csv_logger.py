"""The history as a table in a file that grows with the run."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from bpnet.callbacks.paths import require_file
from bpnet.data.arrays import flag
from bpnet.training.callbacks import Callback


class CSVLogger(Callback):
    """A row an epoch: its number, from 0, and the figures of the history, each as text that gives it back exactly.

    The first row has the names. A file that is there is begun anew, unless `append`: then its columns have to be the
    same. A resumed run goes on in its file and drops the rows that came after the checkpoint, as those epochs are
    trained again; where the file is gone, it begins another one with the epochs to come.
    ValueError, before training: a path that cannot be written, a file with other columns.
    """

    steers = False

    def __init__(self, path: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator: {separator!r} was given, expected one character, such as ',' or ';'")
        self.path = Path(path)
        self.separator = separator
        self.append = flag("append", append)
        self._file: IO[str] | None = None
        self._written = 0
        self._rows: int | None = None

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """See whether the file can be written; it is opened by the first epoch."""
        require_file("path", self.path)
        self._rows = None
        self._written = 0
        self._columns = ["epoch", *self.figures]
        if self.append:
            self._require_same_columns()

    def on_epoch_begin(self, epoch: int) -> None:
        """Open the file, in the first epoch."""
        if self._file is not None:
            return
        rows = self._rows if self._rows is not None else None if self.append else 0
        if rows is not None and self.path.exists():
            os.truncate(self.path, _end_of(self.path, rows))
        self._file = self.path.open("a", encoding="utf-8", newline="")
        self._written = _lines(self.path)
        if not self._written:
            self._write(self._columns)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Write the row; it is in the file when this returns."""
        self._write([epoch, *(logs[name] for name in self._columns[1:])])

    def on_train_end(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def state(self) -> dict[str, Any]:
        """How many rows the file has."""
        return {"rows": self._written}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Keep as many rows."""
        self._rows = self._written = int(state["rows"])
        self._require_same_columns()

    def _write(self, row: list[Any]) -> None:
        assert self._file is not None
        csv.writer(self._file, delimiter=self.separator, lineterminator="\n").writerow(row)
        self._file.flush()
        self._written += 1

    def _require_same_columns(self) -> None:
        if not self.path.exists() or not self.path.stat().st_size:
            return
        with self.path.open(encoding="utf-8", newline="") as file:
            found = next(csv.reader(file, delimiter=self.separator))
        if found != self._columns:
            raise ValueError(
                f"path: {str(self.path)!r} has the columns {', '.join(found)}, expected {', '.join(self._columns)}. "
                "Mend: another path, or append=False in a run that is not resumed"
            )


def _end_of(path: Path, rows: int) -> int:
    """The byte after so many rows, or after the last one if there are fewer."""
    with path.open("rb") as file:
        return sum(len(line) for line in islice(file, rows))


def _lines(path: Path) -> int:
    """How many rows the file has."""
    with path.open("rb") as file:
        return sum(1 for _ in file)
