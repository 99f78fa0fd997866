"""Chooses, for each queue and lead bucket, how much each candidate counts.

Mixtures in steps of a quarter are tried on past cutoffs, and the weights are their mean, each counting as
likely as its errors make it: where two are nearly as good, one more day does not swap them. Only those
that were no worse than the rival in that bucket count: the rival alone always is, so what is published never was.
A bucket has few days, so its errors are helped out by the queue's at nearby leads, and by those of all
queues (shrinkage): what won everywhere needs little evidence of its own.
"""

from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.accuracy import LEAD_BUCKETS, bucket_of
from models.volume.candidates import BLENDED, MEMBERS
from models.volume.params import CombineParams

WEIGHTS = tuple(f"weight_{member}" for member in MEMBERS)
WITHOUT_EVIDENCE = "daily"  # no backtest at all: the rival needs four weeks too, and the daily model has kin
RIVAL = MEMBERS.index("rival")

METHODS = {"daily": "prophet", "rival": "four_like_weekdays", "last_week": "last_week", "last_year": "last_year"}

Values = NDArray[np.float64]


def mixtures(steps: int) -> Values:
    """All weights in steps of 1 / `steps` that add up to one (mixtures x MEMBERS), the rival's largest first."""
    parts = np.array([part for part in product(range(steps + 1), repeat=len(MEMBERS)) if sum(part) == steps])
    return np.asarray(parts[np.argsort(-parts[:, RIVAL], kind="stable")] / steps)


def choose_weights(scored: pd.DataFrame, params: CombineParams) -> pd.DataFrame:
    """The weight of each candidate by queue and lead bucket.

    Args:
        scored: backtest intervals whose contacts are known: queue, day_on, lead_days, BLENDED, contacts.
        params: steps and shrinkage.

    Returns:
        queue, bucket (index of LEAD_BUCKETS) and WEIGHTS; a bucket without evidence takes the next
        shorter one's weights. Queues without any backtest have no row.
    """
    if scored.empty:
        types = {"queue": "str", "bucket": "int64", **dict.fromkeys(WEIGHTS, "float64")}
        return pd.DataFrame({name: [] for name in types}).astype(types)
    tried = mixtures(params.steps)
    loss, days = _losses(scored, tried), _days_of(scored)
    steadied = loss + _support(loss, days, params)
    is_allowed = loss.le(loss[0], axis=0) & _is_own(scored, tried)  # the first mixture is the rival alone
    evidence = _lent(days, params.lead_share).iloc[:, 0] + params.pooled_days
    # The error of a mean of mixtures is no larger than the mean of theirs, so it keeps what was allowed.
    likely = _likelihoods(steadied.where(is_allowed).to_numpy(), evidence.to_numpy()) @ tried
    weights = pd.DataFrame(likely, index=loss.index, columns=list(WEIGHTS))
    every = pd.MultiIndex.from_product([scored["queue"].unique(), range(len(LEAD_BUCKETS))], names=["queue", "bucket"])
    weights = weights.reindex(every).groupby("queue").transform(lambda known: known.ffill().bfill())
    return weights.reset_index()


def combined(rows: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """`rows` (queue, lead_days, BLENDED) with `bucket`, WEIGHTS and `forecast`."""
    out = rows.assign(bucket=bucket_of(rows["lead_days"].to_numpy()))
    out = out.merge(weights, on=["queue", "bucket"], how="left", validate="many_to_one")
    alone = {name: float(member == WITHOUT_EVIDENCE) for name, member in zip(WEIGHTS, MEMBERS, strict=True)}
    out = out.fillna(alone)
    forecast = (out[list(WEIGHTS)].to_numpy() * out[list(BLENDED)].to_numpy()).sum(axis=1)
    return out.assign(forecast=np.maximum(forecast, 0.0))


def method_names(weights: pd.DataFrame, is_short: pd.Series) -> pd.Series:
    """What a row was made of: one of METHODS, blend, or kin where the history is too short for a model.

    Args:
        weights: WEIGHTS of each row.
        is_short: whether its daily forecast came from kin.
    """
    values = weights[list(WEIGHTS)].to_numpy().round(2)  # less than half a percent is nothing
    alone = np.array([METHODS[member] for member in MEMBERS], dtype=object)[values.argmax(axis=1)]
    names = np.where(values.max(axis=1) == 1.0, alone, "blend")
    is_kin = is_short.to_numpy() & (values[:, MEMBERS.index("daily")] > 0)
    return pd.Series(np.where(is_kin, "kin", names), index=weights.index).astype(str)


def _groups(scored: pd.DataFrame) -> pd.MultiIndex:
    """Queue and bucket of each row."""
    bucket = bucket_of(scored["lead_days"].to_numpy())
    return pd.MultiIndex.from_arrays([scored["queue"], bucket], names=["queue", "bucket"])


def _losses(scored: pd.DataFrame, tried: Values) -> pd.DataFrame:
    """Sum of absolute errors of each mixture, by queue and bucket (an index of both; a column a mixture)."""
    groups = _groups(scored)
    place, found = groups.factorize(sort=True)
    members, actual = scored[list(BLENDED)].to_numpy(), scored["contacts"].to_numpy()
    # One mixture after the other: all at once would hold dozens of copies of a long backtest.
    sums = [np.bincount(place, np.abs(members @ weights - actual), minlength=len(found)) for weights in tried]
    return pd.DataFrame(np.column_stack(sums), index=pd.MultiIndex.from_tuples(list(found), names=groups.names))


def _is_own(scored: pd.DataFrame, tried: Values) -> pd.DataFrame:
    """Whether no candidate of a mixture only stands for the rival (no last year to go by), by queue and bucket.

    Counted beside the rival, it would count its mixtures twice, and be told to weigh something.
    """
    others = [name for name in BLENDED if name != BLENDED[RIVAL]]
    is_rival = scored[others].eq(scored[BLENDED[RIVAL]], axis=0).set_axis(_groups(scored))
    standing = is_rival.groupby(level=["queue", "bucket"]).all().reindex(columns=list(BLENDED), fill_value=False)
    return pd.DataFrame(standing.to_numpy().astype(int) @ (tried > 0).T.astype(int) == 0, index=standing.index)


def _likelihoods(loss: Values, days: Values) -> Values:
    """How likely each mixture is beside the others (each row adds up to 1; 0 where the loss is NaN).

    Were a day's errors Laplace-distributed, of a scale that nobody knows, those of n days would have a likelihood
    in proportion to their sum to the power of -n. Worked: 1 % worse over 120 days counts 1.01^-120 = 0.30 of the
    best, 5 % worse 0.003.

    Args:
        loss: sums of absolute errors, rows x mixtures.
        days: that each row was made of.
    """
    best = np.nanmin(loss, axis=1, keepdims=True)
    ratio = np.divide(loss, best, out=np.where(loss > best, np.inf, 1.0), where=best > 0)
    likely = np.where(np.isnan(loss), 0.0, ratio ** -days[:, None])
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _support(loss: pd.DataFrame, days: pd.DataFrame, params: CombineParams) -> pd.DataFrame:
    """What the errors at other leads and of other queues add, in the units of the queue's own.

    A lead bucket so many steps away counts `lead_share` to the power of the steps. All queues together count as
    `pooled_days` days of the queue's own: a long history of its own outweighs them.

    Args:
        loss: of `_losses`.
        days: one column; days that each row of `loss` was made of.
        params: shares.
    """
    near, evidence = _lent(loss, params.lead_share), _lent(days, params.lead_share).iloc[:, 0]
    relative = near.div(near[0].where(near[0] > 0), axis=0)
    # The geometric mean: a method that is ten times worse for one queue says little of the others.
    logs = relative.clip(lower=0.01).apply(np.log)
    pooled = logs.groupby("bucket").mean().fillna(0.0).apply(np.exp)
    pooled = pooled.loc[loss.index.get_level_values("bucket")].set_axis(loss.index)
    return near - loss + pooled.mul(near[0] * params.pooled_days / evidence, axis=0)


def _lent(values: pd.DataFrame, share: float) -> pd.DataFrame:
    """Each bucket's values and those of the queue's others, ever less with their distance."""
    bucket = values.index.get_level_values("bucket").to_numpy()
    sums = pd.DataFrame(0.0, index=values.index, columns=values.columns)
    for other in np.unique(bucket):
        found = values.xs(other, level="bucket").reindex(values.index.get_level_values("queue")).fillna(0.0)
        sums += found.to_numpy() * (share ** np.abs(bucket - other))[:, None]
    return sums


def _days_of(scored: pd.DataFrame) -> pd.DataFrame:
    """Days, each with its lead, behind each queue and bucket."""
    groups = _groups(scored)
    days = pd.DataFrame({"queue": groups.get_level_values("queue"), "bucket": groups.get_level_values("bucket"),
                         "day": scored["day_on"].to_numpy(), "lead": scored["lead_days"].to_numpy()})  # fmt: skip
    return days.drop_duplicates().groupby(["queue", "bucket"])[["day"]].count()
