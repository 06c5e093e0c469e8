"""Text files with a line for each row, read by Arrow; what is wrong with one is found line by line."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Collection
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from bpnet.tables.error import TableError
from bpnet.tables.kinds import text_of, values_of_text, whole_numbers_of_text

SEPARATORS = (",", ";", "\t")
DECIMAL_COMMA = r"^[+-]?\d+(,\d+)?$"


def read_delimited(path: Path, separator: str | None, as_text: Collection[str] = ()) -> Any:
    """A table of Arrow, the columns `as_text` as they are written.

    The `separator` is read off the line of names where it is None.
    """
    from pyarrow import ArrowException, string
    from pyarrow import csv as arrow

    names, separator, skipped, written = header(path, separator)
    try:
        table = arrow.read_csv(
            path,
            read_options=arrow.ReadOptions(skip_rows=skipped),
            parse_options=arrow.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=arrow.ConvertOptions(column_types={name: string() for name in written}),
        ).rename_columns(names)
    except (ArrowException, OSError) as error:
        raise _explained(path, separator, len(names), skipped, error) from error
    typed = {name: text_of(table[name]) if name in as_text else _typed(name, table[name], separator) for name in names}
    return type(table).from_pydict(typed)


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unzipped."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _lines(file: IO[bytes], errors: str = "strict") -> io.TextIOWrapper:
    """The lines of a file as text, with their ends, those of every system."""
    return io.TextIOWrapper(file, "utf-8-sig", errors, newline="")


def header(path: Path, separator: str | None) -> tuple[list[str], str, int, list[str]]:
    """The names of the columns, what separates them, how many blank lines are above, and the names as written."""
    try:
        with opened(path) as file, _lines(file, "surrogateescape") as lines:
            first, above = lines.readline(), 0
            while first and not first.strip():
                first, above = lines.readline(), above + 1
            if not first:
                raise TableError(f"{path}: the file is empty, expected a line of names and rows below it")
            try:
                first.encode()
            except UnicodeEncodeError:
                content = first.encode("utf-8", "surrogateescape")
                try:
                    content.decode()
                except UnicodeDecodeError as error:
                    raise _not_utf8(path, above + 1, error.start, content) from error
            if separator is None:
                separator = max(SEPARATORS, key=first.count)
            written = next(csv.reader(chain([first], lines), delimiter=separator))
            names = [name.strip() for name in written]
    except (OSError, EOFError, csv.Error) as error:
        raise TableError(f"{path}: cannot be read ({error})") from error
    twice = [name for name in names if names.count(name) > 1]
    numbers = [name for name in names if _is_number(name)]
    if numbers and (2 * len(numbers) > len(names) or twice) and names != [str(number) for number in range(len(names))]:
        raise TableError(
            f"{path}, line {above + 1}: numbers came ({', '.join(numbers[:3])}), expected the names of the columns. "
            "Mend: write a first line of names"
        )
    if twice:
        raise TableError(
            f"{path}, line {above + 1}: two columns are called {twice[0]!r}, expected names that differ. "
            "Mend: rename one"
        )
    return names, separator, above, written


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _typed(name: str, text: Any, separator: str) -> Any:
    """Numbers and booleans where all of the words are such; text is left as it is, for the model to judge."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = text_of(text)
    if separator == ";" and pc.all(pc.match_substring_regex(text, DECIMAL_COMMA)).as_py():
        text = pc.replace_substring(text, ",", ".")
    found = values_of_text(name, text)
    if found.kind == "number" and not found.note:
        whole = whole_numbers_of_text(text)
        return text.cast(pa.float64()) if whole is None else whole
    words = set(pc.unique(pc.utf8_lower(text)).drop_null().to_pylist()) if found.kind == "boolean" else set()
    if words and words <= {"true", "false"}:
        return pc.equal(pc.utf8_lower(text), "true")
    return text


def _explained(path: Path, separator: str, columns: int, above: int, error: Exception) -> TableError:
    """What Arrow stumbled over, found by going through the lines."""
    try:
        with opened(path) as file:
            offset = 0
            for number, line in enumerate(file, start=1):
                try:
                    line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as wrong:
                    return _not_utf8(path, number, offset + wrong.start, line)
                offset += len(line)
        with opened(path) as file, _lines(file) as lines:
            rows = csv.reader(islice(lines, above, None), delimiter=separator)
            below = -1
            for row in rows:
                below += bool(row)
                if row and len(row) != columns:
                    return TableError(
                        f"{path}, line {above + rows.line_num}: {len(row)} values came, expected {columns} as in line "
                        f"{above + 1}. Mend: add or remove values, or "
                        f"put a value that contains {separator!r} between quotes"
                    )
            if not below:
                return TableError(f"{path}: there are names of columns and no rows, expected rows below them")
    except (OSError, EOFError, csv.Error) as wrong:
        return TableError(f"{path}: cannot be read ({wrong})")
    return TableError(f"{path}: cannot be read as a table ({error})")


def _not_utf8(path: Path, line: int, offset: int, content: bytes) -> TableError:
    return TableError(
        f"{path}, line {line}, byte {offset}: the bytes {content[:40]!r} are not UTF-8, expected text in UTF-8. "
        f"Mend: save it as UTF-8, for instance iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}"
    )
