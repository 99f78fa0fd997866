"""pull: new and changed rows of each source, into versioned tables.

Reads what `forestall.toml` maps, writes `raw.<table>`, the quarantine, the vault and the book of pulls
(`forestall.pulls`). It can be run again: rows that are known add nothing. A source that is down, or
that delivers what cannot be read, is degraded: the night goes on with its last good rows.
"""

import os
from datetime import date

from forestall.jobs.reviewed_files import check_reviewed
from forestall.night import Night
from forestall.privacy.pseudonyms import teach_pseudonyms
from forestall.privacy.tone import shared_work
from forestall.privacy.vault import open_vault
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.sources.loading import load_source
from forestall.sources.pulls import Counts, next_pull_id
from forestall.sources.tables import create_tables
from forestall.warehouse import open_warehouse

MOST_WORKERS = 4  # for the tone of texts; 170 MB each


def pull(settings: Settings, run_date: date) -> Summary:
    """Pull every source up to the cutoff of `run_date`.

    Returns:
        Rows by what became of them, and `degraded`: the sources that did not deliver.

    Raises:
        ConfigError: no source is mapped, a reviewed YAML holds a mistake, the secret key is missing, or a source that
            was never read cannot be read as it is mapped.
    """
    if not settings.sources:
        raise ConfigError("no source is mapped: add a section [sources.<name>] to forestall.toml (`forestall init`)")
    check_reviewed(settings)
    night, total, degraded = Night(settings, run_date), Counts(), []
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    with (
        open_warehouse(settings, f"pull {run_date}") as warehouse,
        open_vault(settings) as vault,
        shared_work(workers),
    ):
        create_tables(warehouse)
        teach_pseudonyms(warehouse.scratch(), settings)
        pull_id = next_pull_id(warehouse)
        # A backfill looks at the past as it was known, and that is here already.
        sources = {} if settings.is_backfill else settings.sources
        for name, source in sources.items():
            counts, reason = load_source(warehouse, vault, night, name, source, pull_id)
            total.add(counts)
            degraded += [name] if reason else []
    return {**{f"{what}_rows": number for what, number in vars(total).items()}, "degraded": ", ".join(degraded)}
