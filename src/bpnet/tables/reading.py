"""Files as frames: `.csv`, `.csv.gz`, `.tsv`, `.tsv.gz`, `.parquet`, `.npz` and `.npy`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from bpnet.tables.delimited import read_delimited
from bpnet.tables.error import TableError
from bpnet.tables.frames import needed

if TYPE_CHECKING:
    from bpnet.tables.frames import Frame

KNOWN = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".npz", ".npy")


def suffix(path: Path) -> str:
    """The ending of `path` that says what it is; TableError for another, and where there is no such file."""
    if not path.is_file():
        near = sorted(other.name for other in path.parent.glob("*") if other.name.endswith(KNOWN))[:5]
        hint = f" Beside it are {', '.join(near)}." if near else ""
        raise TableError(f"{path}: there is no such file.{hint}")
    for ending in KNOWN:
        if path.name.lower().endswith(ending):
            return ending
    raise TableError(f"{path}: expected a file whose name ends in {', '.join(KNOWN)}")


def read_table(path: str | Path, text: Collection[str] = ()) -> Frame:
    """The table in a file, as a frame of narwhals over Arrow.

    Text files are UTF-8 with a first line of names, separated by commas (semicolons or tabs where the names are, and
    then with decimal commas), tabs in `.tsv`. Columns of numbers become numbers and columns of true and false booleans;
    missing values are those of `bpnet.tables.kinds.MISSING`. The columns named in `text` stay text, as they are written
    (1.10 does not become 1.1): `model.preprocessing.texts` for rows that a model is to predict. `.npz` has arrays
    x (N, K) and y (N,), which become the columns 0, 1, …, y, or a one-dimensional array for each column; `.npy` has
    (N, K), columns 0, 1, …
    """
    narwhals, pyarrow = needed()
    path = Path(path)
    ending = suffix(path)
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty, expected a table")
    if ending == ".parquet":
        table = _parquet(path)
    elif ending in (".npz", ".npy"):
        columns = _npz(path) if ending == ".npz" else columns_of(str(path), npy(path))
        native = {name: values.astype(values.dtype.newbyteorder("="), copy=False) for name, values in columns.items()}
        try:
            table = pyarrow.table({name: pyarrow.array(values) for name, values in native.items()})
        except pyarrow.ArrowException as error:
            raise TableError(f"{path}: its arrays are of a type that is not read ({error})") from error
    else:
        table = read_delimited(path, "\t" if ending.startswith(".tsv") else None, text)
    require_names(path, table.column_names)
    if table.num_rows == 0:
        raise TableError(f"{path}: there are names of columns and no rows, expected rows below them")
    return narwhals.from_native(table, eager_only=True)  # type: ignore[no-any-return]


def require_names(path: Path, names: list[str]) -> None:
    """TableError where two columns have one name, or there are none."""
    if not names:
        raise TableError(f"{path}: there are no columns, expected some")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise TableError(
            f"{path}: two columns are called {twice[0]!r}, expected names that differ. Mend: rename one, or write a "
            "first line of names if the file has none"
        )


def _parquet(path: Path) -> Any:
    from pyarrow import ArrowException, parquet

    try:
        return parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise TableError(f"{path}: not a Parquet file that can be read ({error})") from error


def npy(path: Path) -> np.ndarray:
    """The array in a `.npy` file; nothing is unpickled."""
    try:
        array = np.load(path, allow_pickle=False)
    except (EOFError, ValueError, OSError) as error:
        raise _no_arrays(path, error) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise _no_arrays(path, "it is an .npz file")
    return array


def _no_arrays(path: Path, why: object) -> TableError:
    return TableError(f"{path}: not a file of plain NumPy arrays ({why}). Mend: numpy.savez or numpy.save")


def columns_of(what: str, array: Any) -> dict[str, np.ndarray]:
    """The columns 0, 1, … of an array (N, K)."""
    if array.ndim != 2 or array.dtype.kind not in "biufUS":
        raise TableError(
            f"{what}: an array of shape {array.shape} and type {array.dtype} came, expected (rows, columns) of numbers"
        )
    return {str(number): array[:, number] for number in range(array.shape[1])}


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:  # numpy.load leaves a path's file open where it is broken
            given = np.load(file, allow_pickle=False)
            arrays = {name: given[name] for name in given.files}
    except (BadZipFile, EOFError, ValueError, OSError, AttributeError) as error:
        raise _no_arrays(path, error) from error
    lengths = {name: array.shape[:1] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise TableError(f"{path}: arrays of different lengths came ({shapes}), expected as many rows in each")
    columns: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if name == "x" and array.ndim == 2:
            columns |= columns_of(f"{path}, x", array)
        elif array.ndim == 2 and array.shape[1] == 1:
            columns[name] = array[:, 0]
        elif array.ndim == 1:
            columns[name] = array
        else:
            raise TableError(
                f"{path}: the array {name!r} has shape {array.shape}, expected x (rows, columns) and y (rows,), or a "
                "one-dimensional array for each column"
            )
    return columns
