"""Says what a demo company is like, beside what it was meant to be: `python -m forestall.demo.describe FOLDER`.

Reads the company's truth and exports only to describe them; nothing of it reaches the pipeline. The
tables in docs/demo.md come from here. With `--png FILE` it draws the contacts of each queue by day.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from forestall.demo.business_year import day_of
from forestall.demo.company import truth_now
from forestall.demo.storage import load_state

Rows = list[tuple[str, str]]


def describe(folder: Path) -> str:
    """Counts, service, leaving and outreach of a company as Markdown tables."""
    parts = [
        ("What there is", _counts(folder)),
        ("Service", _service(folder)),
        ("Leaving", _leaving(folder)),
        ("Outreach: true effect on the chance to leave within 90 days", _effects(folder)),
    ]
    return "\n\n".join(f"## {title}\n\n" + _table(rows) for title, rows in parts) + "\n"


def auc(chance: pd.Series, happened: pd.Series) -> float:
    """Chance that one who left had the greater score than one who stayed (Mann and Whitney)."""
    ranks, left = chance.rank(), int(happened.sum())
    stayed = len(happened) - left
    return float((ranks[happened].sum() - left * (left + 1) / 2) / (left * stayed))


def expectation_given_observables(truth: pd.DataFrame, seed: int = 20) -> pd.Series:
    """The true chance, averaged over what cannot be seen: the most that any model can know.

    Fitted across customers on the true chances themselves, each half predicted from the other.
    """
    from lightgbm import LGBMRegressor

    seen = truth[[name for name in truth.columns if str(name).startswith("seen_")]].astype(float)
    seen["ordinary"] = np.log(truth["chance_90_of_ordinary_severity"].clip(1e-6))
    log = np.log(truth["chance_90"].clip(1e-6))
    half = np.random.default_rng(seed).random(len(truth)) < 0.5
    expected = pd.Series(0.0, index=truth.index)
    for fold in (half, ~half):
        model = LGBMRegressor(
            n_estimators=150, learning_rate=0.05, num_leaves=15, min_child_samples=80, n_jobs=1, verbose=-1,
            deterministic=True, force_row_wise=True, random_state=seed,
        )  # fmt: skip
        model.fit(seen[fold], log[fold])
        expected[~fold] = np.exp(model.predict(seen[~fold]))
    return expected


def true_months(folder: Path, horizon: int = 90) -> pd.DataFrame:
    """AUC and mean of the true chances by first of month, for months whose horizon has been lived."""
    decisions = _read(folder, "truth/decisions")
    until = pd.Timestamp(day_of(load_state(folder / "truth" / "state.npz").day).on)
    rows = []
    for path in sorted((folder / "truth").glob("customers_*.parquet")):
        as_of = pd.Timestamp(path.stem.removeprefix("customers_"))
        end = as_of + pd.Timedelta(days=horizon)
        if end > until:
            continue
        truth = pd.read_parquet(path)
        within = decisions[(decisions["decided_on"] >= as_of) & (decisions["decided_on"] < end)]
        left = truth["customer_id"].isin(within["customer_id"])
        seen = expectation_given_observables(truth)
        rows.append((as_of.date(), left.mean(), truth[f"chance_{horizon}"].mean(),
                     auc(truth[f"chance_{horizon}"], left), auc(seen, left)))  # fmt: skip
    return pd.DataFrame(rows, columns=["as_of_on", "left", "expected", "auc", "auc_of_observables"])


def daily_contacts(folder: Path) -> pd.DataFrame:
    """Contacts of each queue by local day, as exported."""
    calls, social = _read(folder, "data/interactions/telephony"), _read(folder, "data/contact_volumes/social")
    tickets = _read(folder, "data/interactions/tickets").drop_duplicates("ticket")
    portal = _read(folder, "data/interactions/portal").drop_duplicates("visit")
    inbound = calls[calls["richtung"] == "ein"].drop_duplicates("ruf_id")
    parts = [
        pd.DataFrame({"queue": inbound["warteschlange"], "day": inbound["beginn"].str[:10], "contacts": 1}),
        pd.DataFrame({"queue": tickets["mailbox"], "day": _local_day(tickets["created"]), "contacts": 1}),
        pd.DataFrame({"queue": "portal", "day": _local_day(portal["at"]), "contacts": 1}),
        pd.DataFrame({"queue": "social", "day": social["interval_utc"].str[:10], "contacts": social["mentions"]}),
    ]
    contacts = pd.concat(parts)
    contacts = contacts[contacts["day"].between("2024-09-01", "2030-01-01")]
    return contacts.pivot_table(index="day", columns="queue", values="contacts", aggfunc="sum", fill_value=0)


def draw(folder: Path, png: Path) -> None:
    """Contacts of each queue by day, as a picture."""
    import matplotlib.pyplot as plt

    daily = daily_contacts(folder)
    daily.index = pd.to_datetime(daily.index)
    figure, axes = plt.subplots(len(daily.columns), 1, figsize=(14, 2.1 * len(daily.columns)), sharex=True)
    for axis, queue in zip(np.atleast_1d(axes), daily.columns, strict=True):
        axis.plot(daily.index, daily[queue], linewidth=0.8)
        axis.set_ylabel(queue)
        axis.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(png, dpi=80)
    plt.close(figure)


def _read(folder: Path, name: str) -> pd.DataFrame:
    paths = sorted(
        path for path in (folder / name).parent.glob(f"{Path(name).name}_*") if not path.name.startswith(".")
    )
    return pd.concat([_read_file(path) for path in paths], ignore_index=True)


def _read_file(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=";", dtype={"ruf_id": "string", "bezug_id": "string"})


def _local_day(instants: pd.Series) -> pd.Series:
    days: pd.Series = instants.dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m-%d")
    return days


def _counts(folder: Path) -> Rows:
    state = load_state(folder / "truth" / "state.npz")
    daily = daily_contacts(folder)
    status = np.bincount(state.people["status"], minlength=3)
    rows = [("customers ever", f"{status.sum():,}"), ("customers now", f"{status[:2].sum():,}"),
            ("contacts", f"{daily.to_numpy().sum():,}")]  # fmt: skip
    rows += [(f"contacts of {queue} a day", f"{mean:.1f}") for queue, mean in daily.mean().items()]
    return rows + [(f"planted: {kind}", f"{count:,}") for kind, count in state.planted.items()]


def _service(folder: Path) -> Rows:
    calls = _read(folder, "data/interactions/telephony")
    calls = calls[(calls["richtung"] == "ein") & (calls["bearbeitung_s"] >= 0)].drop_duplicates("ruf_id")
    rows: Rows = []
    for queue, mine in calls.groupby("warteschlange"):
        limit = 60 if str(queue).startswith("chat") else 20
        gone = mine["aufgelegt"] == "ja"
        counted = ~(gone & (mine["wartezeit_s"] < 5))
        level = (~gone & (mine["wartezeit_s"] <= limit)).sum() / counted.sum()
        rows.append((f"{queue}: answered within {limit} s", f"{level:.1%}"))
        rows.append((f"{queue}: gave up", f"{gone.mean():.1%}"))
    tickets = _read(folder, "data/interactions/tickets").drop_duplicates("ticket", keep="last")
    hours = (tickets["first_reply"] - tickets["created"]).dt.total_seconds() / 3600
    for queue, mine_hours in hours.groupby(tickets["mailbox"]):
        rows.append((f"{queue}: first reply within 24 h", f"{(mine_hours <= 24).mean():.1%}"))
    return rows


def _leaving(folder: Path) -> Rows:
    months = true_months(folder)
    decisions, state = _read(folder, "truth/decisions"), load_state(folder / "truth" / "state.npz")
    days = (decisions["decided_on"].max() - decisions["decided_on"].min()).days + 1
    monthly = len(decisions) / days * 365.25 / 12 / (state.people["status"] < 2).sum()
    rows = [("decided to leave", f"{len(decisions):,}"), ("a month, of the customers", f"{monthly:.2%}")]
    return [
        *rows,
        ("left within 90 days, mean over months", f"{months['left'].mean():.2%}"),
        ("true chance, mean over months", f"{months['expected'].mean():.2%}"),
        (
            "AUC of the true chances",
            f"{months['auc'].mean():.3f} ({months['auc'].min():.3f}-{months['auc'].max():.3f})",
        ),
        ("AUC of the expectation given observables", f"{months['auc_of_observables'].mean():.3f}"),
    ]


def _effects(folder: Path) -> Rows:
    truth = truth_now(folder)
    risky = truth[truth["chance_90"] >= truth["chance_90"].quantile(0.9)]
    rows: Rows = []
    for reason in ("none", "service", "price", "usage"):
        effect = truth[f"effect_{reason}"]
        share = (truth["reason"] == reason).mean()
        low, middle, high = effect.quantile([0.05, 0.5, 0.95])
        rows.append((f"main reason is {reason}", f"{share:.1%}"))
        rows.append((f"outreach about {reason}: 5 %, median, 95 %", f"{low:+.3f}, {middle:+.3f}, {high:+.3f}"))
        mine = risky[risky["reason"] == reason]
        rows.append(("... top tenth by chance with that reason, mean", f"{mine[f'effect_{reason}'].mean():+.3f}"))
    return [*rows, ("sleeping dogs", f"{truth['is_sleeping_dog'].mean():.1%}")]


def _table(rows: Rows) -> str:
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])


def main() -> None:
    """The command: prints the tables, and draws the picture where one is wanted."""
    parser = argparse.ArgumentParser(description=describe.__doc__)
    parser.add_argument("folder", type=Path, help="folder of the demo company, such as var/demo")
    parser.add_argument("--png", type=Path, help="where to draw the contacts by day")
    arguments = parser.parse_args()
    print(describe(arguments.folder))  # noqa: T201  a command's output
    if arguments.png:
        draw(arguments.folder, arguments.png)


if __name__ == "__main__":
    main()
