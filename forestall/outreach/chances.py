"""What share of those who leave for its reasons each action keeps: the playbook's number, moved by randomised outcomes.

The evidence is the experiment's and nothing else: accounts at their first listing, intention to treat, outcomes that
are known. An account's score (`effect.scores`) has the change of its probability of leaving as its mean, and a chance
c says that this is -c x risk, the risk that goes with what the action answers to; so in a cell of action x segment

    raw chance = -sum(weight x score) / sum(weight x risk),    weight = P(listed) x P(held out),

is without bias for the share kept of those who would have left. Weights are those of overlap: where the share held
out was changed, the nights that tell little count little. Chances may be negative: contact can drive customers away.

Cells are few-numbered and noisy, so they are shrunk (normal-normal empirical Bayes): a cell towards its segment and
its action, an action towards the playbook's number, and all actions together, since who is hopeful of one action is
hopeful of the others. How much segments differ is learned from the cells themselves.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logsumexp

from forestall.outreach.effect import expectations, scores
from forestall.outreach.effect_table import ALL, UNKNOWN, Z95, Measure, matured
from forestall.outreach.experiment import HOLDOUT
from forestall.outreach.playbook import Playbook
from forestall.outreach.sequences import Floats

CELL = ["action", "segment"]
PLAYBOOK, OUTCOMES, UPLIFT = "playbook", "outcomes", "uplift"
CHANCES = [*CELL, "prior_save_probability", "learned_save_probability", "low", "high", "treatment_count",
           "holdout_count", "source"]  # fmt: skip
DIFFERENCES = ["customer_id", "action", "difference"]
LEAST_RISK = 0.01  # below it a share of leavers means nothing
COMMON_SHARE = 0.5  # of what the playbook may be wrong about, its actions share so much
# What is tried, and how likely it is before any outcome. Spread: how much the chances of one action differ between
# segments (standard deviation). Doubt: so many times as far as it claims the playbook may be off.
SPREADS = np.linspace(0.0, 0.3, 7)
LIKELY_SPREAD = 0.1
DOUBTS = {0.5: 0.3, 1.0: 0.4, 2.0: 0.2, 4.0: 0.1}


def evidence(accounts: pd.DataFrame, leaving: Measure, run_date: date) -> pd.DataFrame:
    """What each account with a known outcome says of the fall in its probability of leaving.

    Args:
        accounts: as `effect_table.effects` takes them.
        leaving: the measure `left`.
        run_date: outcomes are known if they were by then.

    Returns:
        Those accounts in order of listing with risk (what the action could take away of it, by what was published
        on the night of listing: churn_probability x addressed_share x fresh_share, at least `LEAST_RISK`), score (its
        mean is the change of the probability of leaving), overlap (P(listed) x P(held out)) and score_variance,
        m (1 - m) / overlap for a baseline m: what randomisation and a binary outcome leave. Listings of before there
        were shares are left out: what is kept of all who leave is not what is kept of those who leave for a reason.
    """
    rows = matured(accounts, leaving, run_date).dropna(subset=["addressed_share", "fresh_share"])
    own = rows["arm_probability"].to_numpy(float)
    shares = rows["addressed_share"] * rows["fresh_share"]
    mean = np.clip(expectations(rows, leaving.name, leaving.expected), 0.02, 0.98)
    return rows.assign(
        risk=np.maximum((rows[leaving.expected] * shares).to_numpy(float), LEAST_RISK),
        score=scores(rows, leaving.name, leaving.expected),
        overlap=own * (1 - own),
        score_variance=mean * (1 - mean) / (own * (1 - own)),
    )


def raw_chances(known: pd.DataFrame) -> pd.DataFrame:
    """The chance of each cell by its own accounts alone.

    Args:
        known: action, segment, arm, risk, score, overlap, score_variance.

    Returns:
        action, segment, raw, variance (of the sampling), treatment_count, holdout_count.

    Worked: overlap 0.09; held out, risk 0.3, score -7; listed, risk 0.3, score -0.333: the sum of scores is -7.333,
    of risks 0.6, so the raw chance is 12.2, and 0.21 / 0.09 x 2 / 0.6^2 = 13 is its variance: two accounts say nothing.
    """
    is_held = known["arm"] == HOLDOUT
    terms = known[CELL].assign(
        told=-known["overlap"] * known["score"],
        exposed=known["overlap"] * known["risk"],
        noise=known["overlap"] ** 2 * known["score_variance"],
        treatment_count=(~is_held).astype(int),
        holdout_count=is_held.astype(int),
    )
    sums = terms.groupby(CELL, sort=True).sum().reset_index()
    return sums.assign(raw=sums["told"] / sums["exposed"], variance=sums["noise"] / sums["exposed"] ** 2).drop(
        columns=["told", "exposed", "noise"]
    )


def learn_chances(known: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    """The chance of every action of the playbook in every segment that was seen, and over `ALL`.

    Args:
        known: what `evidence` gave, or a part of it.
        playbook: its numbers are the prior; `prior_outcomes` says how much they weigh.

    Returns:
        action, segment (`ALL`: for segments without outcomes), prior_save_probability, learned_save_probability, low
        and high (95 %), treatment_count, holdout_count (of the cell), source (`playbook` before any outcome).
    """
    known = known.assign(**_cells_of(known))
    cells = raw_chances(known[known["action"].isin(list(playbook.actions))])
    segments = [ALL, *sorted(set(cells["segment"]))]
    pairs = [(action, segment) for action in playbook.actions for segment in segments]
    sought = _with_prior(pd.DataFrame(pairs, columns=CELL), playbook)
    mean, deviation = _posterior(_with_prior(cells, playbook), sought)
    totals = cells.groupby("action", as_index=False)[["treatment_count", "holdout_count"]].sum().assign(segment=ALL)
    counts = pd.concat([cells, totals])[[*CELL, "treatment_count", "holdout_count"]]
    found = sought.merge(counts, on=CELL, how="left", validate="one_to_one")
    return found.assign(
        prior_save_probability=found["prior"],
        learned_save_probability=mean.clip(-1, 1),
        low=(mean - Z95 * deviation).clip(-1, 1),
        high=(mean + Z95 * deviation).clip(-1, 1),
        treatment_count=found["treatment_count"].fillna(0).astype(int),
        holdout_count=found["holdout_count"].fillna(0).astype(int),
        source=OUTCOMES if len(cells) else PLAYBOOK,
    )[CHANCES]


def chances_of(rows: pd.DataFrame, chances: pd.DataFrame) -> "pd.Series[float]":
    """The learned chance for each row's action and segment; a segment without outcomes has its action's.

    Args:
        rows: segment, action.
        chances: what `learn_chances` gave; an action that is not in it gives a missing value.
    """
    table = chances.set_index(CELL)["learned_save_probability"].astype(float)
    cells = _cells_of(rows)
    own = table.reindex(pd.MultiIndex.from_frame(cells)).to_numpy(float)
    usual = cells["action"].map(chances[chances["segment"] == ALL].set_index("action")["learned_save_probability"])
    return pd.Series(np.where(np.isnan(own), usual.to_numpy(float), own), index=rows.index)


def _cells_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Action and segment; a segment that is missing, or called as what stands for all, is `UNKNOWN`."""
    cells = rows[CELL].astype(object)
    known: pd.DataFrame = cells.where(cells.notna() & (cells != ALL), UNKNOWN)
    return known


def with_chances(options: pd.DataFrame, chances: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """`options` with learned_save_probability and save_source.

    Args:
        options: customer x action: customer_id, segment, action, prior_save_probability.
        chances: what `learn_chances` gave; whatever is not in it is as the playbook says.
        differences: customer_id, action, difference: what an uplift model adds for this customer; may be empty.
    """
    learned = chances_of(options, chances)
    source = pd.Series(np.where(learned.isna(), PLAYBOOK, _sources(chances)), index=options.index, dtype=object)
    more = pd.Series(np.nan, options.index)
    if len(differences):
        keys = ["customer_id", "action"]
        own = differences.set_index(keys)["difference"].astype(float)
        more[:] = own.reindex(pd.MultiIndex.from_frame(options[keys])).to_numpy()
    chance = learned.fillna(options["prior_save_probability"]) + more.fillna(0.0)
    return options.assign(learned_save_probability=chance.clip(-1, 1), save_source=source.mask(more.notna(), UPLIFT))


def _sources(chances: pd.DataFrame) -> str:
    return OUTCOMES if (chances["source"] == OUTCOMES).any() else PLAYBOOK


def prior_deviation(save_probability: Floats, prior_outcomes: float) -> Floats:
    """Standard deviation of a chance that weighs as much as so many would-be leavers of whom one knows who stayed.

    The beta distribution's, p (1 - p) / (n + 1), with |p| between 0.05 and 0.5, so that nothing is ever certain.

    Worked: 0.32 and 20: sqrt(0.32 x 0.68 / 21) = 0.10.
    """
    size = np.clip(np.abs(save_probability), 0.05, 0.5)
    return np.asarray(np.sqrt(size * (1 - size) / (prior_outcomes + 1)), np.float64)


def _with_prior(cells: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    numbers = {name: action.save_probability for name, action in playbook.actions.items()}
    prior = np.asarray(cells["action"].map(numbers), np.float64)
    return cells.assign(prior=prior, prior_deviation=prior_deviation(prior, playbook.prior_outcomes))


@dataclass(frozen=True)
class _Kinship:
    """Of two lists of cells, which pairs share what, and how far the playbook may be off in both."""

    off: Floats
    same_action: NDArray[np.bool_]
    same_segment: NDArray[np.bool_]

    @classmethod
    def of(cls, left: pd.DataFrame, right: pd.DataFrame) -> "_Kinship":
        action, segment = (left[name].to_numpy(object)[:, None] == right[name].to_numpy(object) for name in CELL)
        is_real = (left["segment"] != ALL).to_numpy()[:, None]
        off = np.outer(left["prior_deviation"].to_numpy(float), right["prior_deviation"].to_numpy(float))
        return cls(off, action, segment & is_real)

    def covariance(self, spread: float, doubt: float) -> Floats:
        """Of the chances, before any outcome: the playbook's error, and what is the segment's and the cell's own."""
        own = 0.5 * spread**2 * (self.same_segment.astype(float) + (self.same_segment & self.same_action))
        shared = COMMON_SHARE + (1 - COMMON_SHARE) * self.same_action
        return np.asarray(self.off * doubt**2 * shared + own, np.float64)


@dataclass(frozen=True)
class _Given:
    """What the outcomes say of the chances sought, for one spread and one doubt; `fit` is a log likelihood."""

    moved: Floats
    variance: Floats
    fit: float


def _posterior(seen: pd.DataFrame, sought: pd.DataFrame) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each chance sought, averaged over spreads and doubts by how well they fit.

    Args:
        seen: action, segment, prior, prior_deviation, raw, variance.
        sought: the first four of these.
    """
    prior = sought["prior"].to_numpy(float)
    if seen.empty:
        return prior, sought["prior_deviation"].to_numpy(float)
    among, across = _Kinship.of(seen, seen), _Kinship.of(sought, seen)
    parts = [_given(seen, sought, among, across, spread, doubt) for spread in SPREADS for doubt in DOUBTS]
    fits = np.array([part.fit for part in parts])
    weight = np.exp(fits - logsumexp(fits))[:, None]
    means = prior + np.array([part.moved for part in parts])
    mean = (weight * means).sum(axis=0)
    variance = (weight * (np.array([part.variance for part in parts]) + (means - mean) ** 2)).sum(axis=0)
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _given(
    seen: pd.DataFrame, sought: pd.DataFrame, among: _Kinship, across: _Kinship, spread: float, doubt: float
) -> _Given:
    miss = (seen["raw"] - seen["prior"]).to_numpy(float)
    factor = cho_factor(among.covariance(spread, doubt) + np.diag(seen["variance"].to_numpy(float)), lower=True)
    reach, weighed = across.covariance(spread, doubt), cho_solve(factor, miss)
    own = np.where(sought["segment"] == ALL, 0.0, spread**2)
    before = (doubt * sought["prior_deviation"].to_numpy(float)) ** 2 + own
    likely = np.log(DOUBTS[doubt]) - (spread / LIKELY_SPREAD) ** 2 / 2
    fit = -0.5 * float(miss @ weighed) - float(np.log(np.diag(factor[0])).sum()) + float(likely)
    return _Given(reach @ weighed, before - (reach * cho_solve(factor, reach.T).T).sum(axis=1), fit)


def told_chances(chances: pd.DataFrame) -> str:
    """What was learned, in one line: from how many outcomes, and the action whose chance moved most.

    Args:
        chances: what `learn_chances` gave.
    """
    overall = chances[chances["segment"] == ALL]
    count = int(overall[["treatment_count", "holdout_count"]].to_numpy().sum())
    if not count:
        return "no outcome is known yet: actions save what the playbook says"
    moved = (overall["learned_save_probability"] - overall["prior_save_probability"]).abs()
    most = overall.iloc[int(moved.to_numpy(float).argmax())]
    return (
        f"what actions save, from {count:,} outcomes; moved most: {most['action']} from "
        f"{most['prior_save_probability']:.2f} to {most['learned_save_probability']:.2f} "
        f"({most['low']:.2f} to {most['high']:.2f})"
    )
