"""What a policy's year comes to: kept margin a night, how near that is to the best, whom it harmed, the effect."""

import numpy as np
import pandas as pd

from forestall.outreach.experiment import HOLDOUT
from forestall.simulation.policies import BEST, NOBODY, POLICIES, RECORDED
from forestall.simulation.work import WEEK_DAYS
from forestall.simulation.year import true_worth

MONTH_DAYS = 365.25 / 12
HARM = 0.05  # a rise of the chance to leave by more than five points
LAST_WEEKS = 4
RISKS = (0.0, 0.1, 0.2, 0.3, 1.0)


def by_week(rows: pd.DataFrame) -> pd.DataFrame:
    """One row seed x world x policy x week, as `features.backtests.OUTREACH_BACKTEST` has it.

    Args:
        rows: of `live_year`, of several policies, with seed and world.
    """
    key = ["seed", "world", "policy", "week"]
    acted = rows[rows["is_acted"].astype(bool)]
    acted = acted.assign(
        is_harmed=acted["fall"] < -HARM,
        if_reached=true_worth(acted),
        is_reached=acted["is_reached"].astype(bool),
        minutes=acted["minutes"].astype(float),
        cost=acted["cost"].astype(float),
        kept_margin=acted["kept_margin"].astype(float),
    )
    sums = acted.groupby(key).agg(
        contact_count=("row_id", "size"), reached_count=("is_reached", "sum"), harmed_count=("is_harmed", "sum"),
        minutes=("minutes", "sum"), cost=("cost", "sum"), kept_margin=("kept_margin", "sum"),
    )  # fmt: skip
    left = rows[rows["margin_left"].notna()].set_index(key)["margin_left"].astype(float)
    weeks = sums.reindex(left.index).fillna(0.0).assign(monthly_margin=left).reset_index()
    nobody = weeks.loc[weeks["policy"] == NOBODY, ["seed", "world", "week", "monthly_margin"]]
    weeks = weeks.merge(
        nobody, on=["seed", "world", "week"], how="left", suffixes=("", "_of_nobody"), validate="many_to_one"
    )  # fmt: skip
    # What was lived of the week, at the margin that was there at its end.
    gained = (weeks["monthly_margin"] - weeks["monthly_margin_of_nobody"]) * WEEK_DAYS / MONTH_DAYS
    counts = {name: weeks[name].astype(int) for name in ("contact_count", "reached_count", "harmed_count")}
    return weeks.assign(realised_margin=gained - weeks["cost"], **counts).drop(columns="monthly_margin_of_nobody")


def by_policy(weeks: pd.DataFrame, learned_from_week: int) -> pd.DataFrame:
    """One row a policy, means over seeds, in the order of `POLICIES`.

    Args:
        weeks: of `by_week`.
        learned_from_week: the first week of those that are judged as after learning.

    Returns:
        kept_all and kept_late (margin kept a night: all weeks, and from `learned_from_week` on), of_best, of_recorded
        and over_probability (of kept_late), realised (margin a night beyond nobody's, all weeks), contacts (a week),
        harmed (share of the rows of the last `LAST_WEEKS` weeks).
    """
    late = weeks[weeks["week"] >= learned_from_week]
    last = weeks[weeks["week"] > weeks["week"].max() - LAST_WEEKS]
    harmed = last.groupby("policy")[["harmed_count", "contact_count"]].sum()
    table = pd.DataFrame({
        "kept_all": weeks.groupby("policy")["kept_margin"].mean() / WEEK_DAYS,
        "kept_late": late.groupby("policy")["kept_margin"].mean() / WEEK_DAYS,
        "realised": weeks.groupby("policy")["realised_margin"].mean() / WEEK_DAYS,
        "contacts": weeks.groupby("policy")["contact_count"].mean(),
        "harmed": harmed["harmed_count"] / harmed["contact_count"].where(harmed["contact_count"] > 0),
    })  # fmt: skip
    for name, of in (("of_best", BEST), ("of_recorded", RECORDED), ("over_probability", "probability")):
        table[name] = table["kept_late"] / table["kept_late"].get(of, np.nan)
    return table.reindex([policy for policy in POLICIES if policy in table.index])


def told_beside_true(rows: pd.DataFrame) -> pd.DataFrame:
    """What rows were listed for, beside what they truly kept; costs on both sides left out.

    Args:
        rows: of a policy's year, with save_probability and value_at_risk as listed.

    Returns:
        One row a trigger (`none`: by the model) and, of those by the model, one a range of the risk: row_count, told
        and true (currency a row).
    """
    acted = rows[rows["is_acted"].astype(bool)]
    told = acted["save_probability"].astype(float) * acted["value_at_risk"].astype(float)
    true = true_worth(acted) * acted["is_reached"].astype(bool)
    risk = pd.cut(acted["churn_probability"].astype(float), RISKS).astype(str)
    trigger = acted["trigger"].fillna("none")
    by_model = trigger == "none"
    parts = [trigger, ("risk " + risk)[by_model]]
    worth = pd.DataFrame({"told": told, "true": true})
    found = [
        worth.loc[by.index].groupby(by).agg(row_count=("told", "size"), told=("told", "mean"), true=("true", "mean"))
        for by in parts
    ]
    return pd.concat(found).rename_axis("rows")


def effect_beside_truth(rows: pd.DataFrame, effects: pd.DataFrame) -> dict[str, float]:
    """The night's estimate of what being listed did to leaving, beside the truth on the accounts that it counts.

    The truth is that of the first listing; what later listings add is in the estimate alone.

    Args:
        rows: of the policy's year, the holdout's too.
        effects: `outreach_effect` of its last night.

    Returns:
        estimate, fixed_low, fixed_high, always_low, always_high, accounts, truth: changes of the chance to leave,
        negative where fewer leave; NaN where nothing is known yet.
    """
    names = {"estimate": "effect", "fixed_low": "effect_low", "fixed_high": "effect_high",
             "always_low": "always_low", "always_high": "always_high"}  # fmt: skip
    found = effects[(effects["measure"] == "left") & (effects["scope"] == "all") & effects["is_current"].astype(bool)]
    if found.empty:
        return dict.fromkeys([*names, "accounts", "truth"], np.nan)
    row = found.iloc[0]
    firsts = rows[rows["row_id"].notna()].sort_values(["run_date", "planned_on"]).drop_duplicates("account_id")
    counted = firsts[pd.to_datetime(firsts["run_date"]) <= pd.Timestamp(row["matured_until_on"])]
    acted = counted[counted["arm"] != HOLDOUT]
    reached = acted["is_reached"].astype(bool).groupby(acted["action"]).mean()
    change = -counted["fall"].astype(float) * counted["action"].map(reached).fillna(0.0)
    return {
        **{name: float(row[column]) for name, column in names.items()},
        "accounts": float(len(counted)),
        "truth": float(change.mean()),
    }
