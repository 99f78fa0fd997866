"""A company of the shape of `examples/bank_calls`: its configuration, and a small file of five-minute counts."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

EXAMPLE = Path(__file__).parents[2] / "examples" / "bank_calls"
FIRST, RUN_DATE = date(2003, 6, 2), date(2003, 9, 15)
CLOSED = ["2003-07-04", "2003-09-01"]


def calls(seed: int = 5) -> pd.DataFrame:
    """Weekdays 07:00 to 21:05, a morning peak, and a third more on the first day after a day off."""
    days = pd.bdate_range(FIRST, RUN_DATE, inclusive="left")
    days = days[~days.isin(pd.to_datetime(CLOSED))]
    at = (days.to_numpy()[:, None] + np.arange(84, 253) * np.timedelta64(5, "m")).ravel()
    stamp = pd.DatetimeIndex(at)
    hour = np.asarray(stamp.hour + stamp.minute / 60)
    week = np.array([1.2, 1.0, 0.95, 0.95, 1.0])[stamp.day_of_week]
    after = np.where(stamp.normalize().isin(pd.to_datetime(["2003-07-07", "2003-09-02"])), 1.33, 1.0)
    mean = 60 * week * after * (0.3 + np.exp(-((hour - 10.5) ** 2) / 18))
    return pd.DataFrame({"DateTime": stamp, "Calls": np.random.default_rng(seed).poisson(mean)})


def make_bank(folder: Path) -> dict[str, str]:
    """Write the company into `folder`; returns the environment that its configuration asks for."""
    calls().to_csv(folder / "calls.csv", index=False)
    for name in ("forestall.toml", "calendar.yml"):
        shutil.copy(EXAMPLE / name, folder)
    return {"BANK_CALLS": str(folder / "calls.csv"), "FORESTALL_SECRET_KEY": "a key that only the tests know"}
