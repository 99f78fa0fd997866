"""Published tables about what the staffing requirement rests on."""

from features.tables import Column, Table

SHRINKAGE_CAUSES = Table(
    "shrinkage_causes", "cause", ("cause",),
    (
        Column("cause", "text", "activity of `agent_time` that is neither work nor a break; `all` where none is told"),
        Column("share", "number", "share of paid time, breaks left out, that it takes; together the night's shrinkage"),
        Column("basis", "text", "what it rests on: agent_time of so many days, or the settings and why"),
    ),
)  # fmt: skip
