"""Features that no company shares with another: its own attributes of its customers, and its topics of contact.

Both are one JSON object a customer (`Bag`), of which each entry becomes a column: of `customers.attributes`
`attribute_<name>`, of `contact_topics` (`marts.fct_customer_features`) `contact_about_<topic>_<measure>`. An entry is a
number where what is known of it are numbers, the days since then where they are ISO dates, else a category. Truth
values are the categories `true` and `false`; a list or an object within is one category as it is written. An
attribute is as old as its row: of a source without history it is today's at every past date (docs/decisions/0006),
and training names it where it says too much by itself.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import duckdb
import pandas as pd
import pyarrow as pa

ALIKE_SHARE = 0.95  # of the known values must be numbers (or dates) for a column to be one
ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ].*)?"


@dataclass(frozen=True)
class Bag:
    """A column of JSON objects.

    Attributes:
        column: its name.
        prefix: of the features that come of it.
        most: entries that become features, the most frequent.
    """

    column: str
    prefix: str
    most: int


ATTRIBUTES = Bag("attributes", "attribute_", 200)
TOPICS = Bag("contact_topics", "contact_about_", 80)  # twenty topics of four measures each
BAGS = (ATTRIBUTES, TOPICS)
PREFIXES = tuple(bag.prefix for bag in BAGS)

TOPIC_MEASURE = re.compile(r"(?P<topic>.+)_(?:count_(?P<days>\d+)d|days_since)")

NAMES = """
    SELECT name FROM (SELECT unnest(json_keys(told)) AS name FROM known)
    WHERE position('"' IN name) = 0
    GROUP BY name ORDER BY count(*) DESC, name LIMIT ?
"""


def with_attributes(rows: pd.DataFrame, without: Collection[str] = ()) -> pd.DataFrame:
    """`rows` with a column for each entry in place of the JSON.

    Args:
        rows: customer x as-of date with `as_of_on` and, where the company has any, the columns of `BAGS`; text that
            is no JSON object says nothing.
        without: attributes that are left out.

    Returns:
        The same rows in the same order; `{"size": 3}` of `attributes` gives `attribute_size` 3.0. Empty text is
        unknown; who never had a contact about a topic has had 0.
    """
    for bag in BAGS:
        rows = _opened(rows, bag, without if bag is ATTRIBUTES else ())
    return rows


def _opened(rows: pd.DataFrame, bag: Bag, without: Collection[str]) -> pd.DataFrame:
    if bag.column not in rows:
        return rows
    rest = rows.drop(columns=bag.column)
    texts = rows[bag.column]
    if not texts.notna().any():
        return rest
    told = pa.table({"told": pa.array(texts.astype("object").where(texts.notna(), None), pa.string())})
    with duckdb.connect() as connection:
        connection.register("texts", told)
        connection.execute(
            "CREATE TEMP TABLE known AS SELECT row_number() OVER () AS place, "
            "CASE WHEN json_valid(told) AND json_type(told) = 'OBJECT' THEN told END AS told FROM texts"
        )
        names = sorted(name for (name,) in connection.execute(NAMES, [bag.most]).fetchall() if name not in without)
        if not names:
            return rest
        values = ", ".join(
            f"nullif(trim(json_extract_string(told, {_quoted(name)})), '') AS value_{at}"
            for at, name in enumerate(names)
        )
        found = connection.sql(f"SELECT {values} FROM known ORDER BY place").to_arrow_table()
    columns = {
        f"{bag.prefix}{name}": _typed(
            found.column(at).dictionary_encode().to_pandas().set_axis(rows.index), rows["as_of_on"]
        )
        for at, name in enumerate(names)
    }
    if bag is TOPICS:
        columns = {
            name: values if name.endswith("_days_since") else values.fillna(0.0) for name, values in columns.items()
        }
    return pd.concat([rest, pd.DataFrame(columns, index=rows.index)], axis=1)


def attribute_kinds(rows: pd.DataFrame) -> dict[str, Literal["number", "category"]]:
    """What each entry of rows that went through `with_attributes` is."""
    return {
        str(name): "number" if pd.api.types.is_float_dtype(rows[name]) else "category"
        for name in rows
        if str(name).startswith(PREFIXES)
    }


def attribute_phrases(names: Iterable[str]) -> dict[str, str]:
    """How an agent is told.

    `attribute_size` is `size: {value}`; `contact_about_bill_count_30d` is `{value} contacts about bill in the last 30
    days`.
    """
    return {name: _phrase(name) for name in names if name.startswith(PREFIXES)}


def _phrase(name: str) -> str:
    if name.startswith(ATTRIBUTES.prefix):
        return f"{_worded(name.removeprefix(ATTRIBUTES.prefix))}: {{value}}"
    found = TOPIC_MEASURE.fullmatch(name.removeprefix(TOPICS.prefix))
    topic = _worded(found["topic"] if found else name.removeprefix(TOPICS.prefix))
    if found and found["days"]:
        return f"{{value}} contacts about {topic} in the last {found['days']} days"
    return f"last contact about {topic} {{value}} days ago"


def _worded(name: str) -> str:
    return name.replace("_", " ").replace("{", "{{").replace("}", "}}")


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
