"""Rows of CSV, JSONL, XLSX and Parquet files, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.producing.reader import FileProblem
from ops.producing.reader import rows as text_rows

Row = dict[str, Any]
PARQUET_ROWS = 1000


def rows_of(path: Path, sheet: str | None = None) -> Iterator[tuple[int, Row | str]]:
    """Yield number and row; a text instead of a row says what is wrong with the line.

    Parameters
    ----------
    sheet
        Sheet of a workbook, the first without it.

    Raises
    ------
    FileProblem
        When the file is of no known kind, damaged, or a package to read it is missing.
    """
    if path.suffix == ".xlsx":
        return _workbook(path, sheet)
    if path.suffix == ".parquet":
        return _parquet(path)
    return text_rows(path)


def _workbook(path: Path, sheet: str | None) -> Iterator[tuple[int, Row | str]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise FileProblem("XLSX files need openpyxl: install hark[import]") from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its ZIP and XML parsers do
        raise FileProblem(f"not a readable workbook ({type(error).__name__})") from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise FileProblem(f"the workbook has no sheet {sheet}")
        lines = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
        header = [str(name).strip() if name is not None else "" for name in next(lines, ())]
        for number, line in enumerate(lines, 2):
            if any(value is not None for value in line):
                # A row may be shorter than the header: trailing empty cells are left out of the file.
                yield number, {name: value for name, value in zip(header, line, strict=False) if name}
    finally:
        book.close()


def _parquet(path: Path) -> Iterator[tuple[int, Row | str]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise FileProblem("Parquet files need pyarrow: install hark[import]") from None
    try:
        number = 0
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (ArrowException, OSError) as error:
        raise FileProblem(f"not a readable Parquet file ({type(error).__name__})") from None
