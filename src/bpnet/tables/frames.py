"""Frames of any library, seen through narwhals, and their columns as arrays of Arrow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bpnet.tables.error import TableError

if TYPE_CHECKING:
    import narwhals as nw

    Frame: TypeAlias = nw.DataFrame[Any]

KNOWN = "a frame of pandas, polars, pyarrow or another library that narwhals knows, a dictionary of columns or a path"


def needed() -> tuple[Any, Any]:
    """(narwhals, pyarrow), or an ImportError that says what to install."""
    try:
        import narwhals
        import pyarrow
    except ImportError as error:
        raise ImportError(f'tables: {error.name} is not installed. Mend: pip install ".[tables]"') from error
    return narwhals, pyarrow


def as_frame(data: Any, text: Collection[str] = ()) -> Frame:
    """`data` as a frame of narwhals: a path is read, where the columns `text` are left as they are written; an array
    gets columns 0, 1, …
    """
    narwhals, pyarrow = needed()
    if isinstance(data, str | Path):
        from bpnet.tables.reading import read_table

        return read_table(data, text)
    if isinstance(data, np.ndarray):
        if data.ndim != 2:
            raise TableError(f"table: an array of shape {data.shape} came, expected (rows, columns)")
        data = {str(number): data[:, number] for number in range(data.shape[1])}
    try:
        if isinstance(data, Mapping):
            data = pyarrow.table({str(name): pyarrow.array(values) for name, values in data.items()})
        frame: Frame = narwhals.from_native(data, eager_only=True)
        names = [str(name) for name in frame.columns]
    except (TypeError, pyarrow.ArrowException) as error:
        raise TableError(f"table: {type(data).__name__} came, expected {KNOWN} ({error})") from error
    except narwhals.exceptions.DuplicateError as error:
        raise TableError(f"table: two columns have the same name ({error}). Mend: rename one") from error
    return frame.rename(dict(zip(frame.columns, names, strict=True))) if names != frame.columns else frame


def column_of(frame: Frame, name: str) -> Any:
    """A column as a chunked array of Arrow. Objects of several types become text."""
    _, pyarrow = needed()
    series = frame[name]
    try:
        array = series.to_arrow()
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        array = pyarrow.array([_word(value) for value in series.to_list()], pyarrow.string())
    return array if isinstance(array, pyarrow.ChunkedArray) else pyarrow.chunked_array([array])


def _word(value: Any) -> str | None:
    """An object as text: the same as where all of the column are of its type."""
    _, pyarrow = needed()
    if value is None or value != value:
        return None
    if isinstance(value, bool | float | np.bool | np.floating):
        return str(pyarrow.scalar(value.item() if isinstance(value, np.generic) else value).cast("string").as_py())
    return str(value)


def named(frame: Frame, name: str | int, what: str = "target") -> str:
    """The name of a column, given by it or, from the end, by a number below 0; or an error with the nearest names."""
    columns = list(frame.columns)
    if isinstance(name, int) and not isinstance(name, bool) and -len(columns) <= name < 0:
        return columns[name]
    if str(name) in columns:
        return str(name)
    near = get_close_matches(str(name).lower(), [column.lower() for column in columns], n=3)
    hint = [column for column in columns if column.lower() in near]
    nearest = f" Did you mean {' or '.join(map(repr, hint))}?" if hint else ""
    listed = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
    first = "" if hint else " If these are values, the file lacks a first line of names."
    raise TableError(f"{what}: there is no column {str(name)!r}.{nearest} Columns: {listed}.{first}")
