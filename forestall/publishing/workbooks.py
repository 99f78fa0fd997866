"""Workbooks whose bytes say what their rows say and nothing else."""

from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

CREATED = datetime(2000, 1, 1)  # a workbook's own dates would make equal content unequal


def new_workbook(path: Path) -> Any:
    """An empty workbook; text stays text, whatever a spreadsheet would make of it."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": "forestall", "created": CREATED})
    return book
