"""The list that `current` shows, to the receivers of `forestall.toml`.

Reads the published night; writes `var/outbox.db`: what each receiver is to know and what it has taken. Runs
once the night is published and can neither stop nor undo it: a receiver that is down or refuses is named in
the summary and gets the rest the next time. Safe to run again: what was taken is not said again.
"""

import logging
from datetime import date
from functools import partial

from features.published_outreach import OUTREACH_LIST
from forestall.night import Night
from forestall.publishing.delivery import Delivery, deliver_list
from forestall.publishing.outbox import open_outbox
from forestall.publishing.publication import current_night
from forestall.records import Summary, note_progress
from forestall.settings import ConfigError, Settings
from forestall.warehouse_lock import warehouse_lock

log = logging.getLogger(__name__)


def deliver(settings: Settings, run_date: date) -> Summary:
    """Tell every receiver what is new, changed or withdrawn since it was last told.

    Args:
        settings: name the receivers.
        run_date: the day on which it is told; the list is that of `current`.

    Raises:
        ConfigError: nothing is published yet.
        WarehouseBusyError: another run did not end in time.
    """
    published = Night(settings, run_date).published
    found: dict[str, Delivery] = {}
    with warehouse_lock(settings, f"deliver {run_date}"), open_outbox(settings.var_path) as outbox:
        night = current_night(published)
        if night is None:
            raise ConfigError(f"{published}: nothing is published yet")
        listed = night.frame(OUTREACH_LIST.name)
        for name in settings.receivers:
            watched = partial(_note_progress, name)
            found[name] = deliver_list(settings, name, listed, outbox, run_date, watched)
    down, refused = ([told for one in found.values() if (told := getattr(one, why))] for why in ("down", "refused"))
    for told in (*down, *refused):
        log.warning("%s", told)
    return {
        "told": sum(one.arrived for one in found.values()),
        "left": sum(one.left for one in found.values()),
        "down": " | ".join(down),
        "refused": " | ".join(refused),
    }


def _note_progress(receiver: str, done: int, total: int) -> None:
    note_progress("deliver", f"{receiver}: {done} of {total}")
