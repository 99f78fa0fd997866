"""An immutable folder for the night, and `current`.

Reads the tables of the night and the results of all gates; writes `var/published/<run date>[.rN]/`
with Parquet of every table, CSV and XLSX of the list and the plan, `report.html` and `manifest.json`,
then points `current` to it. Safe to run again: the same content adds nothing, other content a revision.
"""

import hashlib
import json
import subprocess
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features.gates import passed_or_raise
from features.published import GATE_RESULTS, PUBLISHED
from forestall.jobs import NIGHT
from forestall.night import Night, conform
from forestall.publishing.checks import gates_until
from forestall.publishing.export import write_documents
from forestall.publishing.publication import PublishedNight, nights, publish_night
from forestall.records import Summary, notes_of, steps_of
from forestall.settings import Settings
from forestall.sources.pulls import degraded_sources
from forestall.staffing.standards import load_standards
from forestall.warehouse import Warehouse, open_warehouse
from forestall.web.report import night_report
from models.provenance import code_version

ROOT = Path(__file__).parents[2]
# What differs between two installations of the same company is not part of its settings.
NOT_SETTINGS = {
    "root",
    "var",
    "run_date",
    "secret_key",
    "mlflow_uri",
    "warehouse",
    "alerts",
    "receivers",
    "is_backfill",
}


def publish(settings: Settings, run_date: date) -> Summary:
    """Publish the night.

    Raises:
        GateFailedError: a blocking gate failed; nothing is published.
        ConfigError: a job of the night has not run.
        PublicationError: the folder cannot be written; `current` is as it was.
    """
    night = Night(settings, run_date)
    gates = gates_until(night, "publication")
    passed_or_raise(gates, night.folder / "report.html")
    tables = {name: night.table(name) for name in PUBLISHED if name != "gate_results"}
    tables["gate_results"] = conform(pa.Table.from_pandas(gates, preserve_index=False), GATE_RESULTS)
    with open_warehouse(settings, f"publish {run_date}") as warehouse:
        about = _about(night, tables, warehouse)
        earlier = [one for one in nights(night.published) if one.run_date < run_date]

        def write(aside: PublishedNight) -> None:
            write_documents(aside)
            html = night_report(aside, earlier[-1] if earlier else None)
            (aside.folder / "report.html").write_text(html, encoding="utf-8")

        published = publish_night(
            night.published, run_date, tables, about, write, moves_current=not settings.is_backfill
        )  # fmt: skip
    return {
        "revision": published.revision,
        "rows": sum(table.num_rows for table in tables.values()),
        "warnings": int((~gates["is_passed"].astype(bool)).sum()),
        "folder": str(published.folder),
    }


def _about(night: Night, tables: Mapping[str, pa.Table], warehouse: Warehouse) -> dict[str, Any]:
    """What the manifest says beside files and hashes; only `run` differs between two runs on the same data."""
    settings = night.settings
    return {
        "cutoff_at": night.cutoff.isoformat(),
        "company": settings.company.model_dump(include={"name", "time_zone", "currency", "tax_basis"}),
        "main_horizon": settings.churn.main_horizon,
        "interval_minutes": settings.volume.interval_minutes,
        "is_backfill": settings.is_backfill,
        "standards": _standards(settings, tables),
        "degraded": [
            f"{one.source} ({one.table_name}): {one.reason}" for one in degraded_sources(warehouse, night.run_date)
        ],
        "notes": notes_of(steps_of(night, NIGHT)),
        "watermarks": _watermarks(warehouse),
        "models": _models(tables),
        "gates": _gates(tables["gate_results"].to_pandas()),
        "code": _code(),
        "settings": {"sha256": _digest(settings.model_dump(mode="json", exclude=NOT_SETTINGS))},
        "run": {
            "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": {step.job: step.seconds for step in steps_of(night, NIGHT) if step.status == "done"},
        },
    }


def _standards(settings: Settings, tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """The standard of every queue that the night speaks of."""
    frames = [tables[name].select(["queue", "channel"]).to_pandas() for name in ("service_kpis", "volume_forecast")]
    pairs = pd.concat(frames).drop_duplicates("queue").sort_values("queue")
    standards = load_standards(settings)
    found = {str(queue): standards.for_queue(str(queue), channel) for queue, channel in pairs.to_numpy()}
    return {
        queue: {name: getattr(one, name) for name in ("service_level", "threshold_s", "first_response_s", "words")}
        for queue, one in found.items()
    }


def _watermarks(warehouse: Warehouse) -> list[dict[str, Any]]:
    if not warehouse.has_table("forestall.watermarks"):
        return []
    rows = warehouse.query("SELECT source, changed_at, run_date FROM forestall.watermarks ORDER BY source").to_pylist()
    return [
        {
            "source": row["source"],
            "read_until": row["changed_at"].isoformat() if row["changed_at"] else None,
            "last_night": row["run_date"].isoformat(),
        }
        for row in rows
    ]


def _models(tables: Mapping[str, pa.Table]) -> list[str]:
    names: set[str] = set()
    for name in ("churn_scores", "outreach_list", "volume_forecast"):
        names |= {str(value) for value in tables[name]["model_version"].unique().to_pylist() if value is not None}
    return sorted(names)


def _gates(results: pd.DataFrame) -> dict[str, Any]:
    is_passed = results["is_passed"].astype(bool)
    return {"looked_at": len(results), "warnings": sorted(results.loc[~is_passed, "gate"])}


def _code() -> dict[str, str | None]:
    """Version of the package, hash of the sources, and the commit where there is git."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"], cwd=ROOT, capture_output=True, text=True, check=True
        )  # fmt: skip
        commit = described.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = None
    return {"version": version, "sources": code_version(), "commit": commit}


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
