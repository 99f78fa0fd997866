from pathlib import Path

import pandas as pd

from models.provenance import code_version, data_version


def test_code_version_changes_with_any_source_and_with_nothing_else(tmp_path: Path) -> None:
    for room in ("features", "models"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_text("x = 1")
    before = code_version.__wrapped__(tmp_path)
    (tmp_path / "models" / "notes.txt").write_text("prose")
    assert code_version.__wrapped__(tmp_path) == before
    (tmp_path / "models" / "a.py").write_text("x = 2")
    assert code_version.__wrapped__(tmp_path) != before


def test_data_version_sees_values_names_and_order_but_no_index() -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert data_version(rows) == data_version(rows.set_index(pd.Index([7, 8])))
    others = (rows.assign(a=[1, 3]), rows.rename(columns={"a": "c"}), rows.iloc[::-1])
    assert len({data_version(rows), *map(data_version, others)}) == 4
