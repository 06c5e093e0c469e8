"""What the values of a column are: numbers, booleans or categories, and which of them are missing.

Text is read so: MISSING words are missing; if the rest are all numbers, the column is numbers (but codes that begin
with 0, such as 00501, are categories); true and false, or yes and no, are booleans; dates as in 2024-05-31 count days
since 1970; where at least MOSTLY of the rest are numbers, the others are read as missing, which is noted; all else is
categories. Case and blanks around a word do not count for these words. 0 and 1 are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet.tables.error import TableError, rows_named
from bpnet.tables.frames import needed

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "?")
MOSTLY = 0.9
TRUE, FALSE = ("true", "yes"), ("false", "no")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
INFINITE = r"(?i)^[+-]?inf(inity)?$"
CODE = r"^[+-]?0\d+$"
DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"
DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class Values:
    """A column's values: float64 with NaN where one is missing, or for categories text of Arrow with nulls."""

    kind: str
    """number, boolean or category; "" where all are missing, "unknown" where there is no reading them."""
    values: Any
    note: str = ""
    """How it was read, where that may surprise."""

    @property
    def missing(self) -> np.ndarray:
        """Which are, (N,)."""
        if isinstance(self.values, np.ndarray):
            return np.isnan(self.values)
        return np.asarray(self.values.is_null().to_numpy(), dtype=bool)

    def take(self, rows: np.ndarray) -> Values:
        """Those rows."""
        values = self.values[rows] if isinstance(self.values, np.ndarray) else self.values.take(rows)
        return Values(self.kind, values, self.note)


def values_of(name: str, column: Any) -> Values:
    """The values of a column of Arrow, of the kind that they seem to be."""
    _, pa = needed()
    column = _plain(column)
    kind = column.type
    if column.null_count == len(column):
        return Values("", np.full(len(column), np.nan))
    if pa.types.is_boolean(kind):
        return Values("boolean", _floats(column))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = _finite(name, _floats(column))
        return Values("" if np.isnan(numbers).all() else "number", numbers)
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind):
        return Values("number", _days(column))
    if pa.types.is_string(kind):
        return values_of_text(name, text_of(column))
    return Values("unknown", np.full(len(column), np.nan), f"column {name!r} holds {kind}")


def values_as(name: str, column: Any, kind: str) -> Values:
    """The values of a column that was of `kind` when the model was trained; TableError where they cannot be."""
    column = _plain(column)
    if kind == "category":
        return Values("category", text_of(column))
    found = values_of(name, column)
    if found.kind in (kind, "number", "boolean", ""):
        return found
    if found.kind == "category":
        text = text_of(column)
        is_number, given = numbers_in(text), len(text) - text.null_count
        # codes that begin with 0 are numbers here, and few values are too few to tell from words
        if is_number.sum() >= MOSTLY * given or (is_number.any() and given <= 1 / (1 - MOSTLY)):
            return few_words(name, text, is_number)
    shown = ", ".join(repr(value) for value in text_of(column).drop_null().slice(0, 3).to_pylist())
    raise TableError(
        f"column {name!r}: {found.kind} values came ({shown}), expected a {kind} as in training. "
        "Mend: correct the column, or leave the values empty"
    )


def text_of(column: Any) -> Any:
    """A column as text, without blanks around it, null where it is missing."""
    _, pa = needed()
    import pyarrow.compute as pc

    column = _plain(column)
    if not pa.types.is_string(column.type):
        if pa.types.is_floating(column.type):  # 3.0 is written 3, as a whole number is
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        column = column.cast(pa.string())
    text = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(pc.utf8_lower(text), pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def numbers_of_text(text: Any) -> Any:
    """Text of Arrow as float64 of Arrow, or None where one of them is no number."""
    _, pa = needed()
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def whole_numbers_of_text(text: Any) -> Any:
    """Text of Arrow as int64 of Arrow, or None where one of them is no whole number."""
    _, pa = needed()
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def values_of_text(name: str, text: Any) -> Values:
    """The values of what `text_of` gave, of the kind that they seem to be."""
    import pyarrow.compute as pc

    given = len(text) - text.null_count
    if given == 0:
        return Values("", np.full(len(text), np.nan))
    numbers = numbers_of_text(text)
    if numbers is not None:
        if whole_numbers_of_text(text) is not None and pc.any(pc.match_substring_regex(text, CODE)).as_py():
            return Values("category", text, f"column {name!r} has codes that begin with 0; read as categories")
        return Values("number", _finite(name, _floats(numbers)))
    words = set(pc.unique(pc.utf8_lower(text)).drop_null().to_pylist()) if text.null_count < len(text) else set()
    if words <= {TRUE[0], FALSE[0]} or words <= {TRUE[1], FALSE[1]}:
        return Values("boolean", _floats(pc.is_in(pc.utf8_lower(text), needed()[1].array(TRUE)), text))
    if pc.all(pc.match_substring_regex(text, DATE)).as_py():
        try:
            days = _days(text.cast(needed()[1].timestamp("us")))
        except needed()[1].ArrowInvalid:
            return Values("category", text)
        return Values("number", days, f"column {name!r} has dates; read as days since 1970-01-01")
    is_number = numbers_in(text)
    count = int(is_number.sum())
    if count >= MOSTLY * given:
        return few_words(name, text, is_number)
    note = f"column {name!r} has {count} numbers and {given - count} words; read as categories" if count else ""
    return Values("category", text, note)


def few_words(name: str, text: Any, is_number: np.ndarray) -> Values:
    """Numbers, with the few words among them missing."""
    _, pa = needed()
    import pyarrow.compute as pc

    words = np.flatnonzero(~is_number & ~np.asarray(text.is_null()))
    shown = ", ".join(repr(text[int(row)].as_py()) for row in words[:3])
    kept = pc.if_else(pa.array(is_number), text, pa.scalar(None, pa.string()))
    note = (
        f"column {name!r} is mostly numbers; {len(words)} other value{'s' if len(words) > 1 else ''} ({shown}"
        f"{', …' if len(words) > 3 else ''}) in {rows_named(words)} read as missing"
    )
    return Values("number", _finite(name, _floats(numbers_of_text(kept))), note)


def numbers_in(text: Any) -> np.ndarray:
    """Which of the words are numbers; missing ones are not."""
    import pyarrow.compute as pc

    found = pc.or_(pc.match_substring_regex(text, NUMBER), pc.match_substring_regex(text, INFINITE))
    return np.asarray(pc.fill_null(found, False).to_numpy(), dtype=bool)


def is_text(kind: Any) -> bool:
    """Is this type of Arrow text, or a dictionary of it?"""
    types = needed()[1].types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _plain(column: Any) -> Any:
    """Dictionaries as their values, all kinds of text as one."""
    _, pa = needed()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column


def _floats(column: Any, missing: Any = None) -> np.ndarray:
    """float64, NaN where it, or `missing`, is null."""
    _, pa = needed()
    if not pa.types.is_floating(column.type):
        column = column.cast(pa.int8() if pa.types.is_boolean(column.type) else pa.float64(), safe=False)
    values = np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)  # nulls become NaN
    if missing is not None:
        values[np.asarray(missing.is_null())] = np.nan
    return values


def _days(column: Any) -> np.ndarray:
    _, pa = needed()
    unit = pa.duration("us") if pa.types.is_duration(column.type) else pa.timestamp("us")
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        unit = pa.timestamp("us", column.type.tz)
    return _floats(column.cast(unit, safe=False).cast(pa.int64())) / DAY


def _finite(name: str, values: np.ndarray) -> np.ndarray:
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise TableError(
            f"column {name!r}: {'an infinite number' if len(infinite) == 1 else f'{len(infinite)} infinite numbers'} "
            f"came in {rows_named(infinite)}, expected finite ones. Mend: correct it, or leave it empty: it is then "
            "missing"
        )
    return values
