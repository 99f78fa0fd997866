"""What is derived from the declarations is in step with them."""

from features.contract import CONTRACT
from forestall.dictionary import generated_files, raw_columns
from forestall.sources import tables


def test_what_is_generated_is_in_step_with_the_declarations() -> None:
    for path, text in generated_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m forestall.dictionary`"


def test_the_macro_knows_the_columns_that_the_pull_writes() -> None:
    for table in CONTRACT.values():
        written = tables.raw_columns(table)
        assert [name for name in written if name not in tables.VERSION_SQL] == [c.name for c in raw_columns(table)]
