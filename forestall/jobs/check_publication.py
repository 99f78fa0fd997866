"""Gates on what is about to be published: the last look before people act on it.

Reads the tables of the night, `marts.fct_outreach_candidates` and the standards; writes
`gates_publication`. Safe to run again.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from features.gates import (
    Found,
    Gate,
    Measure,
    Severity,
    Stage,
    between,
    evaluate_measures,
    evaluate_rows,
    measured,
    not_null,
    ordered,
    without,
)
from features.published import PUBLISHED
from features.tables import Table
from forestall.night import Night
from forestall.outreach.capacity import pools
from forestall.outreach.fairness import TOO_FEW
from forestall.outreach.filters import CONSENTS
from forestall.outreach.worklist import FIRM, IF_QUIET
from forestall.publishing.checks import finish_stage, in_pieces, load_limits
from forestall.records import Summary
from forestall.settings import Settings
from forestall.staffing.standards import load_standards
from forestall.warehouse import as_frame, open_warehouse
from models.churn.drift import drift_verdict
from models.churn.params import churn_params

# `gate_results` is made of these gates, so they cannot judge it.
JUDGED = {name: table for name, table in PUBLISHED.items() if name != "gate_results"}
EMAIL = r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"
# International or trunk prefix, then at least eight more digits: no date, amount or pseudonym looks so.
PHONE = r"(?<![\w.])(?:\+|00?)[1-9](?:[ ()/-]{0,2}\d){7,}(?!\w)"
QUANTILES = ("contacts_p05", "contacts_p10", "contacts_p25", "contacts_p50", "contacts_p75", "contacts_p90",
             "contacts_p95")  # fmt: skip
MAY_HARM = ("save_probability", "learned_save_probability")  # what drives customers away saves less than nothing
ABSURD = 1e9  # contacts, seconds or agents: nothing finite comes near it

Frames = dict[str, pd.DataFrame]


def check_publication(settings: Settings, run_date: date) -> Summary:
    """Judge the tables of the night and write `gates_publication`.

    Raises:
        GateFailedError: a blocking gate failed.
        ConfigError: a job of the night has not run.
    """
    night = Night(settings, run_date)
    frames = {name: as_frame(night.table(name)) for name in JUDGED}
    rows = [
        evaluate_rows(list(_named_gates(table)), in_pieces(frames[name]), table.key) for name, table in JUDGED.items()
    ]
    rows.append(_check_texts(frames))
    horizons = _by_horizon(frames["churn_scores"])
    capacity = _capacity(frames, settings)
    rows += [
        evaluate_rows(_horizon_gates(horizons), in_pieces(horizons), ["customer_id"]),
        evaluate_rows(
            [ordered("publication", "staffing_requirement", "carried_load", "capacity", "agents cannot be busier than "
                     "always")], in_pieces(capacity), PUBLISHED["staffing_requirement"].key,
        ),
    ]  # fmt: skip
    found = [
        *_schemas_and_keys(night, frames),
        _days_covered(frames["volume_forecast"], settings, run_date),
        *_within_limits(frames["outreach_list"], settings),
        nobody_protected(frames["outreach_list"], settings, run_date),
        differences_are_explained(frames["outreach_fairness"], load_limits(settings).fairness_severity),
        customers_as_learned(frames["score_drift"]),
    ]
    rows.append(evaluate_measures(found))
    return finish_stage(night, "publication", rows)


def _named_gates(table: Table) -> Iterator[Gate]:
    """What the names of a published table's columns promise."""
    stage: Stage = "publication"
    name = table.name
    yield from (not_null(stage, name, column, "it identifies the row") for column in table.key)
    for column in table.columns:
        if column.name in MAY_HARM:
            yield between(stage, name, column.name, -ABSURD, 1, "no action saves more customers than would leave")
        elif column.name.endswith(("probability", "_rate", "coverage_80")):
            yield between(stage, name, column.name, 0, 1, "a probability or share lies between 0 and 1")
        elif column.name.startswith("contacts") or column.name in ("handle_time_s", "agents_net", "agents_gross"):
            yield between(stage, name, column.name, 0, ABSURD, "it is finite and not negative")
    if name == "churn_scores":
        yield not_null(stage, name, "churn_probability", "a score without a probability says nothing")
    if name in ("volume_forecast", "volume_days"):
        yield not_null(stage, name, "contacts", "each interval, and each day, has a forecast")
        for lower, upper in pairwise(QUANTILES):
            yield ordered(stage, name, lower, upper, "quantiles do not cross")
    if name == "staffing_requirement":
        yield ordered(stage, name, "agents_net", "agents_gross", "shrinkage adds agents")
        yield between(stage, name, "occupancy", 0, 1, "nobody is busier than always")
    if name == "outreach_list":
        yield Gate("publication", name, "arm_is_treatment", "customers of the holdout are not called", "blocking",
                   "ExpectColumnValuesToBeInSet", {"value_set": ["treatment"]}, "arm")  # fmt: skip


def _check_texts(frames: Frames) -> pd.DataFrame:
    """No text of any table holds what a mail address or a phone number looks like; looks at each text once."""
    texts = pd.concat(
        [
            pd.DataFrame({"place": f"{name}.{column.name}", "text": frames[name][column.name].dropna().unique()})
            for name, table in JUDGED.items()
            for column in table.columns
            if column.kind == "text"
        ],
        ignore_index=True,
    ).astype("str")
    reason = "published files carry pseudonyms only"
    # Half of a pseudonym's hex digits are figures: among many some would look like a phone number.
    free = texts[~texts["place"].str.endswith(("_id", "_version"))]
    return pd.concat(
        [
            evaluate_rows([without("publication", "all", "text", rule, regex, reason)], in_pieces(rows), ["place"])
            for rule, regex, rows in (("has_no_email", EMAIL, texts), ("has_no_phone", PHONE, free))
        ],
        ignore_index=True,
    )


def _by_horizon(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a customer, one column `p<days>` a horizon."""
    wide = scores.pivot_table(index="customer_id", columns="horizon_days", values="churn_probability")
    return wide.rename(columns=lambda days: f"p{days}").reset_index()


def _horizon_gates(horizons: pd.DataFrame) -> list[Gate]:
    names = [name for name in horizons.columns if name != "customer_id"]
    return [
        ordered("publication", "churn_scores", nearer, farther, "who leaves in 30 days has left in 60")
        for nearer, farther in pairwise(names)
    ]


def _capacity(frames: Frames, settings: Settings) -> pd.DataFrame:
    """Requirement beside load, by those who serve it: work that is not given up must fit into the agents who do it."""
    rows = frames["staffing_requirement"]
    standards = load_standards(settings)
    channels = frames["volume_forecast"].groupby("queue")["channel"].first().to_dict()
    at_once = {queue: standards.for_queue(str(queue), channels.get(queue)).concurrency for queue in set(rows["queue"])}
    carried = rows["offered_load"] * (1 - rows["abandonment"].fillna(0))
    capacity = rows["agents_net"] * rows["queue"].map(at_once).astype(float)
    by = [rows["queue_group"], rows["interval_start_at"]]
    together = pd.DataFrame({"carried": carried, "capacity": capacity}).groupby(by).transform("sum")
    # A millionth of an agent is rounding.
    return rows.assign(carried_load=together["carried"] - 1e-6, capacity=together["capacity"])


def _schemas_and_keys(night: Night, frames: Frames) -> Iterator[Found]:
    for name, table in JUDGED.items():
        schema = night.table(name).schema
        wrong = [field.name for field in table.arrow_schema() if field not in list(schema)]
        yield (
            measured("publication", name, "schema_is_the_contract", "whoever reads the files relies on it", "blocking",
                     most=0),
            Measure(len(wrong), f"columns that deviate: {', '.join(wrong) or 'none'}", len(table.columns), len(wrong)),
        )  # fmt: skip
        doubled = frames[name].duplicated(list(table.key), keep=False)
        samples = ["/".join(map(str, key)) for key in frames[name].loc[doubled, list(table.key)].head(5).to_numpy()]
        yield (
            measured("publication", name, "key_is_unique", "a doubled row counts twice", "blocking", most=0),
            Measure(int(doubled.sum()), f"{doubled.sum()} rows share a key", len(doubled), int(doubled.sum()), samples),
        )


def _days_covered(forecast: pd.DataFrame, settings: Settings, run_date: date) -> Found:
    """Every queue is forecast for every day of the horizon."""
    days = {run_date + timedelta(days=ahead) for ahead in range(settings.volume.horizon_days)}
    covered = forecast.groupby("queue")["local_on"].agg(lambda on: len(days & set(on)))
    missing = len(days) - covered
    gate = measured(
        "publication", "volume_forecast", "days_are_covered", "a planner needs every day", "blocking", most=0
    )
    samples = [str(queue) for queue in missing.index[missing > 0]]
    return gate, Measure(
        int(missing.sum()), f"{missing.sum()} days without forecast, over all queues", len(days) * len(covered),
        int(missing.sum()), samples,
    )  # fmt: skip


def _within_limits(listed: pd.DataFrame, settings: Settings) -> Iterator[Found]:
    """The new rows fit into the minutes of each pool, firm and if quiet, and into the budget, day by day."""
    fresh = listed[listed["status"] == "open"]
    known = pools(settings.outreach)
    used = fresh.groupby(["pool", "planned_on", "tier"], dropna=False)["expected_minutes"].sum()
    share = {FIRM: 1.0, IF_QUIET: settings.outreach.if_quiet_share}
    room = [known[pool].minutes * share[tier] if pool in known else 0 for pool, _, tier in used.index]
    over = used[used > pd.Series(room, used.index, dtype=float) + 1e-6].reset_index()
    yield (
        measured("publication", "outreach_list", "fits_capacity", "nobody works a list longer than the day",
                 "blocking", most=0),
        Measure(len(over), "; ".join(f"{row.pool} {row.tier} on {row.planned_on}: {row.expected_minutes:.0f} minutes"
                                     for row in over.itertuples()) or "every pool has the minutes",
                len(fresh), int(fresh["pool"].isin(over["pool"]).sum()), [str(pool) for pool in over["pool"]]),
    )  # fmt: skip
    cost = float(fresh.groupby("planned_on", dropna=False)["offer_cost"].sum().max()) if len(fresh) else 0.0
    yield (
        measured("publication", "outreach_list", "fits_budget", "offers cost money", "blocking",
                 most=settings.outreach.budget + 0.005),
        Measure(cost, f"offers worth {cost:.2f} of {settings.outreach.budget:.2f} on one day", len(fresh)),
    )  # fmt: skip


def differences_are_explained(fairness: pd.DataFrame, severity: Severity) -> Found:
    """No group is listed or offered something more or less than others alike, or at another price."""
    flagged = fairness[fairness["is_flagged"].fillna(value=False).astype(bool)]
    judged = int((fairness["verdict"] != TOO_FEW).sum())
    gate = measured(
        "publication", "outreach_fairness", "differences_are_explained", "whoever is alike is treated alike", severity,
        most=0,
    )  # fmt: skip
    names = [" ".join(key) for key in flagged[["scope", "scope_value", "measure"]].to_numpy()]
    told = "; ".join(flagged["sentence"]) or f"{judged} comparisons, {len(fairness) - judged} groups too small to judge"
    return gate, Measure(len(flagged), told, judged, len(flagged), names)


def customers_as_learned(drift: pd.DataFrame) -> Found:
    """Tonight's customers are like those that the model learned from; where they are not, a challenger is trained."""
    gate = measured(
        "publication", "score_drift", "customers_are_as_learned", "a model knows only what it has seen", "warning",
        most=0,
    )  # fmt: skip
    if drift.empty:
        return gate, Measure(None, "there is no model, or it does not say what it learned from")
    verdict = drift_verdict(drift, churn_params().drift)
    drifted = drift.loc[drift["is_drifted"], "subject"]
    observed = verdict or f"{len(drifted)} of {len(drift)} have shifted, which the model hardly goes by"
    return gate, Measure(int(bool(verdict)), observed, len(drift), len(drifted), drifted.head(5).tolist())


def nobody_protected(listed: pd.DataFrame, settings: Settings, run_date: date) -> Found:
    """Nobody is listed who is under age, protected, said no, or may not be reached on that channel."""
    gate = measured(
        "publication", "outreach_list", "nobody_protected", "some people must not be called", "blocking", most=0,
        column="customer_id",
    )  # fmt: skip
    if listed.empty:
        return gate, Measure(0, "nobody is listed")
    with open_warehouse(settings, f"check_publication {run_date}") as warehouse:
        candidates = warehouse.frame(
            "SELECT customer_id, is_minor, is_protected, has_do_not_contact, is_profiling_allowed, "
            f"{', '.join(CONSENTS)} FROM marts.fct_outreach_candidates"
        )
    rows = listed.merge(candidates, on="customer_id", how="left", validate="many_to_one")
    refused = np.logical_or.reduce([
        *(rows[name].fillna(value=False).astype(bool) for name in ("is_minor", "is_protected", "has_do_not_contact")),
        *(rows["channel"].eq(channel) & rows["purpose"].eq(purpose) & rows[consent].eq(other=False)
          for consent, (channel, purpose) in CONSENTS.items()),
        rows["is_profiling_allowed"].eq(other=False) & rows["churn_probability"].notna(),
    ])  # fmt: skip
    samples: Sequence[str] = rows.loc[refused, "customer_id"].head(5).tolist()
    failed = int(refused.sum())
    return gate, Measure(failed, f"{failed} who must not be called", len(rows), failed, samples)
