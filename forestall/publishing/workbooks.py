"""Workbooks whose bytes say what their rows say and nothing else, and the two kinds of sheet in them."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter

CREATED = datetime(2000, 1, 1)  # a workbook's own dates would make equal content unequal
GREEN, WHITE = "#8FD0B5", "#FFFFFF"
HEAD = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}


def new_workbook(path: Path) -> Any:
    """An empty workbook; text stays text, whatever a spreadsheet would make of it."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": "forestall", "created": CREATED})
    return book


def write_grid(
    book: Any,
    title: str,
    corners: Collection[str],
    grid: pd.DataFrame,
    number_format: str,
    *,
    total: str | None = "All queues",
    about: str = "",
) -> None:
    """One sheet: rows down, queues across, a colour scale over the cells.

    Args:
        book: the workbook.
        title: of the sheet.
        corners: heads of the columns on the left, one for each level of the index, such as `Day` and `Local time`.
        grid: the cells; missing ones are 0.
        number_format: of a cell.
        total: head of a column of sums at the right; None where the cells do not add up.
        about: what the sheet says, as a note on its first head.
    """
    sheet = book.add_worksheet(title)
    head, cell = book.add_format(HEAD), book.add_format({"num_format": number_format})
    sums = book.add_format({"num_format": number_format, "bold": True, "left": 1})
    names = [*corners, *map(str, grid.columns), *([total] if total else [])]
    left = len(corners)
    sheet.freeze_panes(1, left)
    sheet.set_column(0, len(names) - 1, 12)
    sheet.write_row(0, 0, names, head)
    if about:
        sheet.write_comment(0, 0, about)
    values = np.nan_to_num(grid.to_numpy(dtype=float))
    labels = [label if isinstance(label, tuple) else (label,) for label in grid.index]
    for at, (label, line) in enumerate(zip(labels, values.tolist(), strict=True), start=1):
        sheet.write_row(at, 0, [str(part) for part in label])
        sheet.write_row(at, left, line, cell)
        if total:
            sheet.write_number(at, len(names) - 1, float(sum(line)), sums)
    if values.size:
        scale = {"type": "2_color_scale", "min_color": WHITE, "max_color": GREEN}
        sheet.conditional_format(1, left, len(values), left + values.shape[1] - 1, scale)


def table_styles(book: Any) -> dict[str, Any]:
    """The formats that `write_table` asks for; one set a workbook."""
    return {
        "head": book.add_format(HEAD),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "share": book.add_format({"num_format": "0.0%"}),
        "number": book.add_format({"num_format": "0.0#"}),
    }


def write_table(
    book: Any,
    styles: dict[str, Any],
    title: str,
    rows: pd.DataFrame,
    *,
    shares: Collection[str] = (),
    widths: dict[str, int] | None = None,
    about: str = "",
) -> None:
    """One sheet: one line a row, heads in words, a filter on each.

    Args:
        book: the workbook.
        styles: of `table_styles`.
        title: of the sheet.
        rows: in the order of the sheet; its columns are named as they are to be read.
        shares: columns that are shown as per cent.
        widths: of columns that are wider than most.
        about: what the sheet says, as a note on its first head.
    """
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 1)
    for at, name in enumerate(rows.columns):
        sheet.set_column(at, at, (widths or {}).get(name, 15))
        sheet.write_string(0, at, name, styles["head"])
        style = styles["share" if name in shares else "number"]
        for row, value in enumerate(rows[name].tolist(), start=1):
            if value is None or value != value:
                continue
            if isinstance(value, str):
                sheet.write_string(row, at, value)
            elif hasattr(value, "year"):
                sheet.write_datetime(row, at, value, styles["date"])
            elif isinstance(value, bool):
                sheet.write_boolean(row, at, value)
            else:
                sheet.write_number(row, at, float(value), style)
    if about:
        sheet.write_comment(0, 0, about)
    if len(rows):
        sheet.autofilter(0, 0, len(rows), len(rows.columns) - 1)
