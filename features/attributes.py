"""A company's own attributes of its customers as features: whatever it says of them, whatever the type.

`customers.attributes` is one JSON object a customer. Each of its entries becomes a column `attribute_<name>`: a
number where what is known of it are numbers, the days since then where they are ISO dates, else a category. Truth
values are the categories `true` and `false`; a list or an object within is one category as it is written. An
attribute is as old as its row: of a source without history it is today's at every past date (docs/decisions/0006),
and training names it where it says too much by itself.
"""

from collections.abc import Collection, Iterable
from typing import Literal

import duckdb
import pandas as pd
import pyarrow as pa

COLUMN = "attributes"
PREFIX = "attribute_"
MOST = 200  # entries, the most frequent
ALIKE_SHARE = 0.95  # of the known values must be numbers (or dates) for a column to be one
ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ].*)?"

NAMES = f"""
    SELECT name FROM (SELECT unnest(json_keys({COLUMN})) AS name FROM known)
    WHERE position('"' IN name) = 0
    GROUP BY name ORDER BY count(*) DESC, name LIMIT {MOST}
"""


def with_attributes(rows: pd.DataFrame, without: Collection[str] = ()) -> pd.DataFrame:
    """`rows` with a column for each attribute in place of the JSON.

    Args:
        rows: customer x as-of date with `as_of_on` and, where the company has any, `attributes`; text that is no
            JSON object says nothing.
        without: entries that are left out.

    Returns:
        The same rows in the same order; `{"size": 3}` gives `attribute_size` 3.0. Empty text is unknown.
    """
    if COLUMN not in rows:
        return rows
    rest = rows.drop(columns=COLUMN)
    if not rows[COLUMN].notna().any():
        return rest
    told = pa.table({COLUMN: pa.array(rows[COLUMN].astype("object").where(rows[COLUMN].notna(), None), pa.string())})
    with duckdb.connect() as connection:
        connection.register("told", told)
        connection.execute(
            f"CREATE TEMP TABLE known AS SELECT row_number() OVER () AS place, "
            f"CASE WHEN json_valid({COLUMN}) AND json_type({COLUMN}) = 'OBJECT' THEN {COLUMN} END AS {COLUMN} FROM told"
        )
        names = sorted(name for (name,) in connection.execute(NAMES).fetchall() if name not in without)
        if not names:
            return rest
        values = ", ".join(
            f"nullif(trim(json_extract_string({COLUMN}, {_quoted(name)})), '') AS value_{at}"
            for at, name in enumerate(names)
        )
        found = connection.sql(f"SELECT {values} FROM known ORDER BY place").to_arrow_table()
    columns = {
        f"{PREFIX}{name}": _typed(
            found.column(at).dictionary_encode().to_pandas().set_axis(rows.index), rows["as_of_on"]
        )
        for at, name in enumerate(names)
    }
    return pd.concat([rest, pd.DataFrame(columns, index=rows.index)], axis=1)


def attribute_kinds(rows: pd.DataFrame) -> dict[str, Literal["number", "category"]]:
    """What each attribute of rows that went through `with_attributes` is."""
    return {
        str(name): "number" if pd.api.types.is_float_dtype(rows[name]) else "category"
        for name in rows
        if str(name).startswith(PREFIX)
    }


def attribute_phrases(names: Iterable[str]) -> dict[str, str]:
    """How an agent is told: `attribute_size` as `size: {value}`."""
    own = (name for name in names if name.startswith(PREFIX))
    return {name: f"{_worded(name)}: {{value}}" for name in own}


def _worded(name: str) -> str:
    return name.removeprefix(PREFIX).replace("_", " ").replace("{", "{{").replace("}", "}}")


def _typed(values: pd.Series, as_of_on: pd.Series) -> pd.Series:
    """Numbers and days as floats; anything else as it is."""
    numbers = pd.to_numeric(values.astype("object"), errors="coerce").astype("float64")
    if _mostly(numbers, values):
        return numbers
    is_date = values.str.fullmatch(ISO_DATE).fillna(False).astype("bool")
    days = pd.to_datetime(values.astype("object").where(is_date).str[:10], errors="coerce")
    if _mostly(days, values):
        return (pd.to_datetime(as_of_on) - days).dt.days.astype("float64")
    return values


def _mostly(found: pd.Series, values: pd.Series) -> bool:
    return bool(found.notna().sum() >= ALIKE_SHARE * values.notna().sum() > 0)


def _quoted(name: str) -> str:
    """The JSON path of an entry, as an SQL text."""
    path = f'$."{name}"'.replace("'", "''")
    return f"'{path}'"
