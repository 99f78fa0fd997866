"""Writes everything that is derived from the declarations: one source, no copy kept by hand.

From the contract (`features.contract`) come dbt's macro `contract()`, its sources and its staging models;
from the contract, the models' yml and the published tables comes `docs/data-dictionary.md`. Run
`python -m forestall.dictionary` after a change to any of them; a test says when they are out of step.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from features.backtests import CHURN_BACKTEST, OUTREACH_BACKTEST
from features.contract import CONTRACT
from features.published import PUBLISHED, SCHEMA_VERSION
from features.tables import SQL, Column, Table
from forestall.sources.tables import VERSION_COLUMNS, kept_columns

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "dbt_project"
GENERATED = "Written by `python -m forestall.dictionary`; change the declarations, not this file."


def contract_macro() -> str:
    """The macro by which dbt knows keys, kinds and what reveals a column."""
    lines = [f"{{# {GENERATED} #}}", "{% macro contract() %}", "{{ return({"]
    for table in CONTRACT.values():
        lines.append(f"    '{table.name}': {{")
        lines.append(f"        'key': {list(table.key)!r},")
        lines.append("        'columns': {")
        lines += [
            f"            '{column.name}': {{'kind': '{column.kind}', 'revealed_by': {_word(column.revealed_by)}}},"
            for column in kept_columns(table)
        ]
        lines += ["        },", "    },"]
    return "\n".join([*lines, "}) }}", "{% endmacro %}", ""])


def _word(value: str | None) -> str:
    return "none" if value is None else f"'{value}'"


def staging_model(table: Table) -> str:
    return f"{{{{ as_of('{table.name}', cutoff_at(), run_date()) }}}}\n"


def staging_yml() -> str:
    """Sources and staging models with a description for each column."""
    sources = [
        {"name": table.name, "description": f"Every version of every row. One row: {table.grain}, as pulled.",
         "columns": _described((*kept_columns(table), *VERSION_COLUMNS))}
        for table in CONTRACT.values()
    ]  # fmt: skip
    models = [
        {"name": f"stg_{table.name}", "description": f"As known at the cutoff. One row: {table.grain}.",
         "columns": _described(kept_columns(table))}
        for table in CONTRACT.values()
    ]  # fmt: skip
    content = {
        "version": 2,
        "sources": [{"name": "raw", "schema": "raw", "description": "What the pull wrote.", "tables": sources}],
        "models": models,
    }
    return f"# {GENERATED}\n" + yaml.safe_dump(content, sort_keys=False, width=120)


def _described(columns: Iterable[Column]) -> list[dict[str, str]]:
    return [{"name": column.name, "description": _sentence(column)} for column in columns]


def _sentence(column: Column) -> str:
    words = f" One of: {', '.join(column.words)}." if column.words else ""
    reveals = f" Null until `{column.revealed_by}`." if column.revealed_by else ""
    return f"{column.about[0].upper()}{column.about[1:]}.{words}{reveals}"


def data_dictionary() -> str:
    """Every table that comes in, is made on the way, or goes out, as one Markdown page."""
    lines = [f"<!-- {GENERATED} -->", "# Data dictionary", ""]
    lines += ["## What comes in", ""]
    lines += [line for table in CONTRACT.values() for line in _table_of(table)]
    lines += ["## What is made of it", ""]
    lines += [line for model in described_models() for line in _model_of(model)]
    lines += ["## What goes out", "", f"Schema version {SCHEMA_VERSION}.", ""]
    lines += [line for table in PUBLISHED.values() for line in _table_of(table)]
    lines += ["## What backtests write", "", "Under `var/backtests/`, each as one Parquet file of that name.", ""]
    lines += _table_of(CHURN_BACKTEST) + _table_of(OUTREACH_BACKTEST)
    return "\n".join(lines).rstrip() + "\n"


def described_models() -> list[Mapping[str, Any]]:
    """The intermediate and mart models, as their yml describes them."""
    files = sorted((PROJECT / "models").glob("[im]*/*.yml"))
    return [model for file in files for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])]


def _table_of(table: Table) -> list[str]:
    rows = [(column.name, SQL[column.kind].lower(), _sentence(column)) for column in table.columns]
    known = f" Born at `{table.born_at}`." if table.born_at else ""
    about = f"One row: {table.grain}. Key: {', '.join(f'`{name}`' for name in table.key)}.{known}"
    return _section(table.name, about, rows)


def _model_of(model: Mapping[str, Any]) -> list[str]:
    rows = [(c["name"], c.get("data_type", ""), c["description"]) for c in model["columns"]]
    return _section(model["name"], model["description"], rows)


def _section(name: str, about: str, rows: Iterable[tuple[str, str, str]]) -> list[str]:
    table = [f"| `{column}` | {kind} | {' '.join(text.split()).replace('|', '/')} |" for column, kind, text in rows]
    return [f"### {name}", "", " ".join(about.split()), "", "| column | type | meaning |", "|---|---|---|", *table, ""]


def generated_files() -> dict[Path, str]:
    """Every generated file and what it must hold."""
    staging = PROJECT / "models" / "staging"
    models = {staging / f"stg_{table.name}.sql": staging_model(table) for table in CONTRACT.values()}
    return {
        PROJECT / "macros" / "contract.sql": contract_macro(),
        staging / "staging.yml": staging_yml(),
        **models,
        ROOT / "docs" / "data-dictionary.md": data_dictionary(),
    }


if __name__ == "__main__":
    for path, text in generated_files().items():
        path.write_text(text, encoding="utf-8")
