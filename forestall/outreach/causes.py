"""What goes with leaving: topics and products by their contacts, the customers at risk, and how many more left.

Says what goes together and not what causes what: customers who called about a fault may have left for what broke, or
for what made them call. They are compared with customers alike (segment, tenure, contacts about other things), and
what is left may still be something that nobody recorded.
"""

import numpy as np
import pandas as pd
from scipy import stats

KEY = ["topic", "product"]
ALL = "all"
ALIKE = ["segment", "tenure_band"]
ALPHA = 0.05
LEAST_COMPARED = 30  # customers; with fewer nothing is said of how many more left
LEAST_LEAVERS = 10  # of those compared, on both sides together
EXCESS_COLUMNS = [*KEY, "compared_count", "excess_risk", "excess_low", "excess_high"]


def excess_risk(exposed: pd.DataFrame, everybody: pd.DataFrame) -> pd.DataFrame:
    """How many more left of those who had a topic than of customers alike who had not.

    The Mantel-Haenszel risk difference over strata of `ALIKE` and contacts about other things, with Sato's variance
    (Biometrics 45, 1989), which holds for few large and for many small strata. Intervals are Bonferroni's: 95 % for
    all rows at once.

    Args:
        exposed: topic, product, `ALIKE`, other_band (contacts about other things), total_band (all contacts),
            customer_count, left_count.
        everybody: `ALIKE`, total_band, customer_count, left_count; who had the topic is among them.

    Returns:
        `EXCESS_COLUMNS`, one row for each topic and product of `exposed`; missing where too few can be compared.
        Worked, one stratum: 20 of 100 with the topic and 100 of 1,000 without it left: .20 - .10 = .10.
    """
    strata = _strata(exposed, everybody)
    found = strata.groupby(KEY, sort=True).agg(
        compared_count=("n1", "sum"), leavers=("leavers", "sum"), weight=("weight", "sum"),
        gap=("gap", "sum"), p=("p", "sum"), q=("q", "sum"),
    ).reset_index()  # fmt: skip
    is_enough = (found["compared_count"] >= LEAST_COMPARED) & (found["leavers"] >= LEAST_LEAVERS)
    risk = (found["gap"] / found["weight"]).where(is_enough)
    deviation = np.sqrt((risk * found["p"] + found["q"]).clip(lower=0)) / found["weight"]
    reach = stats.norm.ppf(1 - ALPHA / 2 / max(int(is_enough.sum()), 1)) * deviation
    found = found.assign(excess_risk=risk, excess_low=risk - reach, excess_high=risk + reach)
    return found[EXCESS_COLUMNS]


def _strata(exposed: pd.DataFrame, everybody: pd.DataFrame) -> pd.DataFrame:
    """For each topic, product and stratum what the estimate adds up; strata without a counterpart are left out."""
    place = [*KEY, *ALIKE, "band"]
    counts = ["customer_count", "left_count"]
    own = exposed.rename(columns={"other_band": "band"}).groupby(place, dropna=False)[counts].sum().reset_index()
    # Whoever had the topic stands among everybody by all contacts, and is no counterpart there.
    away = exposed.rename(columns={"total_band": "band"}).groupby(place, dropna=False)[counts].sum().reset_index()
    rows = own.merge(everybody.rename(columns={"total_band": "band"}), on=[*ALIKE, "band"], suffixes=("", "_all"))
    rows = rows.merge(away, on=place, how="left", suffixes=("", "_away"), validate="one_to_one").fillna(
        {f"{name}_away": 0 for name in counts}
    )
    n1, d1 = (rows[name].astype("float64") for name in counts)
    n0, d0 = ((rows[f"{name}_all"] - rows[f"{name}_away"]).astype("float64") for name in counts)
    total = n1 + n0
    strata = rows[KEY].assign(
        n1=n1, n0=n0, leavers=d1 + d0, weight=n1 * n0 / total, gap=(d1 * n0 - d0 * n1) / total,
        p=(n1**2 * d0 - n0**2 * d1 + n1 * n0 * (n0 - n1) / 2) / total**2,
        q=(d1 * (n0 - d0) + d0 * (n1 - d1)) / (2 * total),
    )  # fmt: skip
    return strata[(n1 > 0) & (n0 > 0)]


def churn_causes(tonight: pd.DataFrame, excess: pd.DataFrame, horizon_days: int, currency: str) -> pd.DataFrame:
    """`churn_causes` without compared_on, the greatest number of expected leavers first.

    Args:
        tonight: topic, product, contact_count, customer_count, expected_leavers, leaver_variance, margin_at_risk.
        excess: as `excess_risk` gives it.
        horizon_days: of the probabilities.
        currency: of the margin.
    """
    rows = tonight.merge(excess, on=KEY, how="left", validate="one_to_one")
    reach = stats.norm.ppf(1 - ALPHA / 2) * np.sqrt(rows["leaver_variance"])
    more = {
        f"excess_leavers{end}": rows[f"excess{of}"] * rows["customer_count"]
        for end, of in (("", "_risk"), ("_low", "_low"), ("_high", "_high"))
    }
    rows = rows.assign(
        leavers_low=(rows["expected_leavers"] - reach).clip(lower=0),
        leavers_high=np.minimum(rows["expected_leavers"] + reach, rows["customer_count"]),
        **more,
    ).drop(columns="leaver_variance")
    rows = rows.sort_values(["expected_leavers", *KEY], ascending=[False, True, True], ignore_index=True)
    return rows.assign(sentence=_sentences(rows, horizon_days, currency))


def named(rows: pd.DataFrame) -> pd.Series:
    """`fault`, `fault (Comfort)`, and `Comfort` for a product over all topics."""
    topic, product = rows["topic"].astype("str"), rows["product"].astype("str")
    both = topic + " (" + product + ")"
    return both.where(product != ALL, topic).where(topic != ALL, product)


def _sentences(rows: pd.DataFrame, horizon_days: int, currency: str) -> pd.Series:
    def whole(name: str) -> pd.Series:
        return rows[name].round().map("{:,.0f}".format).astype("str")

    def points(name: str) -> pd.Series:
        return (100 * rows[name]).map("{:+.1f}".format).astype("str")

    margin = ", with " + currency + " " + whole("margin_at_risk") + " of margin a month"
    tonight = named(rows) + ": " + whole("contact_count") + " contacts of " + whole("customer_count") + " customers, "
    tonight += whole("expected_leavers") + " of whom (" + whole("leavers_low") + " to " + whole("leavers_high")
    tonight += f") are expected to leave within {horizon_days} days" + margin.where(rows["margin_at_risk"].notna(), "")
    is_more, is_fewer = rows["excess_low"] > 0, rows["excess_high"] < 0
    verdicts = ["more often than", "less often than"]
    verdict = pd.Series(np.select([is_more, is_fewer], verdicts, "not told apart from"), rows.index)
    before = "; such customers left " + verdict + " customers alike (" + points("excess_risk") + " points, "
    before += points("excess_low") + " to " + points("excess_high") + ")"
    before = before.str.replace("left not told apart from", "are not told apart from")
    return tonight + before.where(rows["excess_risk"].notna(), "") + "."
