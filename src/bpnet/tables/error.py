"""What is wrong with a table."""


class TableError(ValueError):
    """Names the file, the line, the row or the column, what came, what was expected, and the mend."""


def rows_named(rows: object, most: int = 5) -> str:
    """`row 3 (line 4 of a CSV)` or `rows 3, 7, 9 (lines 4, 8, 10 of a CSV)`, from row numbers that begin at 0."""
    numbers = [int(row) + 1 for row in rows]  # type: ignore[attr-defined]
    shown, more = numbers[:most], ", …" if len(numbers) > most else ""
    several = "s" if len(numbers) > 1 else ""
    first, lines = ", ".join(map(str, shown)), ", ".join(str(number + 1) for number in shown)
    return f"row{several} {first}{more} (line{several} {lines}{more} of a CSV)"
