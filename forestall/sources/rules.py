"""The rules that an incoming row must keep, as SQL conditions in the order in which they are asked.

A row that breaks one is told by the first that it breaks, as `rule:column`. Rules of one column come
from the contract; those of a table as a whole stand here. Nothing is mended here: what a company's
words mean is the mapping's affair.
"""

from collections.abc import Iterator

from features.tables import Column, Table

# (start, end): an end that lies before its start cannot be right.
SPANS: dict[str, tuple[tuple[str, str], ...]] = {
    "subscriptions": (("started_at", "ended_at"),),
    "interactions": (("started_at", "answered_at"), ("started_at", "first_response_at"), ("started_at", "resolved_at")),
    "business_events": (("starts_on", "ends_on"),),
    "agents": (("hired_on", "left_on"),),
    "agent_time": (("starts_at", "ends_at"),),
}

# An empty cell of a spreadsheet exports as 1899-12-30. Nothing that we are told of began before this day.
EARLIEST = {"instant": "TIMESTAMPTZ '1970-01-01 00:00:00+00'", "date": "DATE '1970-01-01'"}
# 9999-12-31 is a usual way to say that something has no end. Later years, and infinity, Python cannot tell.
TOO_LATE = {"instant": "TIMESTAMPTZ '10000-01-01 00:00:00+00'", "date": "DATE '10000-01-01'"}

# Where the contract draws no line of its own: no row counts or costs more, and sums of rows still fit their types.
ABSURD = {"integer": 1_000_000_000, "money": 10_000_000_000}

NO_OBJECT = "attributes IS NOT NULL AND coalesce(json_type(TRY_CAST(attributes AS JSON)), '') <> 'OBJECT'"

OUT_OF_SCALE = (
    "kind = 'csat' AND score NOT BETWEEN 1 AND 5 "
    "OR kind = 'nps' AND score NOT BETWEEN 0 AND 10 "
    "OR kind = 'ces' AND score NOT BETWEEN 1 AND 7"
)


def broken_rule(table: Table, zoneless: dict[str, str]) -> str:
    """SQL of the first rule that a row breaks; null for a good row.

    Reads, for each contract column `c`: `c`, of texts `told_c`, what the source says, and of all others `unread_c`,
    what was told where no value could be made of it.

    Args:
        table: the contract table.
        zoneless: for instants written without a zone where none is set, the condition that says so.
    """
    rules = [rule for column in table.columns for rule in _column_rules(column, zoneless.get(column.name, ""))]
    rules += [(f"end_before_start:{end}", f"{end} < {start}") for start, end in SPANS.get(table.name, ())]
    if "attributes" in table.names:
        rules.append(("wrong_type:attributes", NO_OBJECT))
    if table.name == "surveys":
        rules.append(("out_of_scale:score", OUT_OF_SCALE))
    return "CASE " + " ".join(f"WHEN {condition} THEN '{rule}'" for rule, condition in rules) + " END"


def _column_rules(column: Column, zoneless: str) -> Iterator[tuple[str, str]]:
    name = column.name
    if column.is_required:
        yield f"missing:{name}", f"{name} IS NULL" + (f" AND unread_{name} IS NULL" if column.kind != "text" else "")
    if column.kind == "text":  # PostgreSQL cannot keep one, and no text means one
        yield f"zero_character:{name}", f"contains(told_{name}, chr(0))"
    if zoneless:
        yield f"time_without_zone:{name}", zoneless
    if column.kind != "text":
        yield f"wrong_type:{name}", f"unread_{name} IS NOT NULL"
    if column.words:
        words = ", ".join(f"'{word}'" for word in column.words)
        yield f"unknown_word:{name}", f"{name} NOT IN ({words})"
    if column.kind in EARLIEST:
        yield f"too_early:{name}", f"{name} < {EARLIEST[column.kind]}"
        yield f"too_late:{name}", f"{name} >= {TOO_LATE[column.kind]}"
    absurd = ABSURD.get(column.kind)
    least = column.at_least if column.at_least is not None or absurd is None else -absurd
    most = column.at_most if column.at_most is not None else absurd
    if least is not None:
        yield f"too_small:{name}", f"{name} < {least}"
    if most is not None:
        yield f"too_large:{name}", f"{name} > {most}"
