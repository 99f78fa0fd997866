"""Whom to contact tonight, and whom not: the whole of outreach, from values to values.

Options are built, valued and filtered; the best set is chosen blind to the arm, with room for those who will be
left alone; only then does the arm say who they are, and no minutes stay idle for their sake. Nothing here reads or
writes anything.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
import pandas as pd

from features.published_shifts import USABLE_MINUTES
from forestall.outreach import capacity, hours, segments, value, worklist
from forestall.outreach.chances import CHANCES, DIFFERENCES, with_chances
from forestall.outreach.effect_table import do_not_disturb, groups_of
from forestall.outreach.experiment import COLUMNS, HOLDOUT, Draw, draw_arms, inherited_arms, moved_between_arms
from forestall.outreach.filters import Limits, suppression_reasons
from forestall.outreach.minutes import MINUTES, with_minutes
from forestall.outreach.nobody import why_nobody
from forestall.outreach.options import build_options
from forestall.outreach.placed import COLUMNS as PLACED
from forestall.outreach.placed import TIERS, placed_minutes
from forestall.outreach.playbook import DEFAULT_REASON, EVIDENCE, Playbook
from forestall.outreach.room import Room
from forestall.sections import OutreachSettings

NO_MINUTES, NO_BUDGET, OVERDUE, ACCOUNT_LISTED = "no_minutes", "no_budget", "overdue", "account_listed"


@dataclass(frozen=True)
class Known:
    """What is known on the evening of a night.

    Attributes:
        run_date: the morning the list is for.
        cutoff: its cutoff.
        candidates: rows of `marts.fct_outreach_candidates`, with net_activity_value_365d (what the customer bought in
            a year, for companies without subscriptions) and held_out_on (last night on which the experiment withheld
            them; within the cooldown and the horizon).
        scores: rows of `churn_scores`, main horizon only.
        churn_reasons: of the same night.
        contributions: customer_id, and by feature what it adds to the log odds of leaving.
        kpis: rows of `marts.fct_customer_kpis` of the last complete months.
        arms: drawn on earlier nights (`experiment.COLUMNS`).
        previous: customer_id, listed_since_on of the night before, the holdout included.
        worked: rows of an earlier list of this very day on which work has begun.
        outcomes: last result by row_id.
        effects: what being listed did (`effect_table.effects`).
        chances: what share of those who leave for its reasons each action keeps (`chances.learn_chances`), and how
            long a row of it takes (`minutes.learn_minutes`); empty: as the playbook says.
        differences: customer_id, action, difference: what an uplift model adds to that share.
        site_zone: the site's time zone.
        cost_per_minute: of an agent; None: the playbook's.
        former_accounts: customer_id, account_id: accounts in which customers were before.
        segments: customer_id, lifecycle_stage, value_segment of the night.
        evidence: what happened, in words (`evidence.told_facts`).
        usable: rows of `usable_minutes` of the night; empty where no shifts are planned.
        interval_minutes: length of their intervals.
        leave_together: an account leaves as a whole, so the margin of all its customers is at risk.
    """

    run_date: date
    cutoff: datetime
    candidates: pd.DataFrame
    scores: pd.DataFrame
    churn_reasons: pd.DataFrame
    contributions: pd.DataFrame
    kpis: pd.DataFrame
    arms: pd.DataFrame
    previous: pd.DataFrame
    worked: pd.DataFrame
    outcomes: pd.Series
    effects: pd.DataFrame
    chances: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*CHANCES, *MINUTES]))
    differences: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=DIFFERENCES))
    site_zone: str = "UTC"
    cost_per_minute: float | None = None
    former_accounts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["customer_id", "account_id"]))
    segments: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(segments.COLUMNS)))
    evidence: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(EVIDENCE)))
    usable: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=USABLE_MINUTES.names))
    interval_minutes: int = 30
    leave_together: bool = False


@dataclass(frozen=True)
class Lists:
    """What comes of it.

    Attributes:
        listed: rows of `outreach_list`.
        withheld: rows of `outreach_withheld`.
        new_arms: arms drawn tonight.
        notes: what a planner should know, one line each.
        considered: one row an account that was decided on tonight: the option chosen, or the best of those that were
            not; with is_listed, is_offered. The holdout counts as listed: nothing but the draw tells it apart.
        placed: rows of `outreach_placed`.
    """

    listed: pd.DataFrame
    withheld: pd.DataFrame
    new_arms: pd.DataFrame
    notes: list[str]
    considered: pd.DataFrame
    placed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PLACED)))


def make_lists(known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int, secret: str) -> Lists:
    """Tonight's list, who is withheld from it and why, and the arms of newcomers."""
    settings = capacity.with_rostered(settings, playbook, known.usable)
    options = judged_options(known, playbook, settings, horizon_days)
    is_allowed = options["suppression_reason"].isna()
    eligible = options[is_allowed].drop_duplicates("customer_id")
    inherited = inherited_arms(eligible, known.arms, known.former_accounts)
    draw = Draw(settings.holdout_share, settings.seed, secret, known.run_date)
    drawn = draw_arms(eligible, pd.concat([known.arms, inherited]), draw)
    new_arms = pd.concat([inherited, drawn], ignore_index=True).sort_values("account_id", ignore_index=True)

    arms = pd.concat([known.arms, new_arms], ignore_index=True).set_index("account_id")
    selected = _select(options[is_allowed], arms["arm"], known, playbook, settings, horizon_days)
    left_over = _left_over(options[is_allowed], selected, settings.budget * 100)
    rows = pd.concat([selected, left_over, _held_back(options, is_allowed)])
    rows = rows.assign(**{name: rows["account_id"].map(arms[name]) for name in ("arm", "arm_probability")})
    is_holdout = rows["suppression_reason"].isna() & (rows["arm"] == HOLDOUT)
    rows["suppression_reason"] = rows["suppression_reason"].mask(is_holdout, HOLDOUT)

    rows["idle_hours"] = _idle_hours(rows, known, settings)
    rows = worklist.carry_over(worklist.in_order(rows), known.previous, known.run_date)
    listed, withheld = worklist.split(worklist.publish(rows, known.worked, known.outcomes, playbook.version))
    considered = _considered(options[is_allowed], selected, known.previous)
    rest = _without(options[is_allowed], selected)
    rest = rest[rest["account_id"].map(arms["arm"]) != HOLDOUT]
    cost = float(playbook.cost_per_minute) if known.cost_per_minute is None else known.cost_per_minute
    rooms = {
        tier: Room.of(settings, known.run_date, horizon_days, {}, known.usable, if_quiet=tier == worklist.IF_QUIET)
        for tier in TIERS
    }
    placed = placed_minutes(rooms, listed, rest, settings, cost, capacity.lenders(settings, known.usable))
    notes = [*_notes(known, playbook, settings), *_why_empty(known, options, listed, withheld)]
    return Lists(listed, withheld, new_arms[list(COLUMNS)], notes, considered, placed)


def judged_options(known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int) -> pd.DataFrame:
    """Customer x action with its worth, and in `suppression_reason` the filter that holds it back, if one does."""
    options = _valued_options(known, playbook, settings, horizon_days)
    options["is_do_not_disturb"] = do_not_disturb(options, known.effects)
    limits = Limits(
        known.cutoff, known.run_date, settings.cooldown_days, settings.contact_limit, settings.contact_limit_days
    )
    return options.assign(suppression_reason=suppression_reasons(options, limits))


def _valued_options(known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int) -> pd.DataFrame:
    """Customer x action with its worth; those already worked today are left to their rows."""
    scored = ["customer_id", "churn_probability", "risk_band", "previous_churn_probability", "model_version",
              "change_reason"]  # fmt: skip
    people = _with_margin(known, playbook)
    people = people[~people["customer_id"].isin(known.worked["customer_id"])]
    people = people.merge(known.scores[scored], on="customer_id", how="left", validate="one_to_one")
    stands = known.segments.set_index("customer_id")
    told = {name: stands[name] for name in (segments.STAGE, segments.VALUE)}
    told |= {name: known.evidence[name] for name in EVIDENCE}
    people = people.assign(**{name: people["customer_id"].map(by_customer) for name, by_customer in told.items()})
    people = _add_value_at_risk(people, known, playbook, settings, horizon_days)
    clock = hours.Clock(known.run_date, known.site_zone, settings.work_hours, playbook.calling_hours)
    people = hours.add_hours(people, clock)
    options = build_options(people, known.contributions, known.churn_reasons, playbook)
    options["fresh_share"] = value.fresh_share(options, known.run_date, horizon_days)
    options = with_chances(options, known.chances, known.differences)
    options = with_minutes(options, known.chances)
    cost = float(playbook.cost_per_minute) if known.cost_per_minute is None else known.cost_per_minute
    valued = value.add_value(
        options.assign(churn_probability=value.unless_done(options)),
        cost,
        value.load_minutes(known.effects, list(playbook.actions)),
    )
    due = worklist.due(valued, worklist.listed_since(valued, known.previous, known.run_date), known.run_date)
    return valued.assign(
        # What is published as probability is the model's, and the model does not score who gave notice.
        churn_probability=options["churn_probability"],
        list_name=worklist.list_names(options, settings.renewal_days),
        is_unspoken=capacity.nobody_speaks(options, capacity.pools(settings)),
        # What is late already may be done today.
        last_day=((due - pd.Timestamp(known.run_date)).dt.days).clip(lower=0),
    )


def _with_margin(known: Known, playbook: Playbook) -> pd.DataFrame:
    """The candidates, each with an account, and with monthly_margin as it would be lost."""
    people = known.candidates.assign(account_id=known.candidates["account_id"].fillna(known.candidates["customer_id"]))
    paid = people["monthly_value"].astype(float).fillna(people["net_activity_value_365d"].astype(float) / 12)
    margin = people["monthly_margin"].astype(float).fillna(paid * playbook.margin_share).fillna(0.0)
    return people.assign(monthly_margin=value.account_margin(people, margin) if known.leave_together else margin)


def _add_value_at_risk(
    people: pd.DataFrame, known: Known, playbook: Playbook, settings: OutreachSettings, horizon_days: int
) -> pd.DataFrame:
    """`people` with monthly_retention once saved, and value_at_risk."""
    by_segment, overall = value.monthly_retention(known.kpis)
    if overall is None:
        overall = value.retention_of_risk(known.scores["churn_probability"], horizon_days)
    ratio = playbook.saved_churn_ratio
    retention = value.saved_retention(people["segment"], by_segment, overall, ratio, DEFAULT_REASON)
    margin = people["monthly_margin"].to_numpy(float)
    at_risk = value.value_at_risk(margin, retention, settings.discount_rate, settings.life_cap_months)
    return people.assign(monthly_retention=retention, value_at_risk=at_risk)


def _select(
    allowed: pd.DataFrame, arms: pd.Series, known: Known, playbook: Playbook, settings: OutreachSettings,
    horizon_days: int,
) -> pd.DataFrame:  # fmt: skip
    """Triggers in time, then the best of the rest, then (where set) what is worth it if it stays quiet.

    A set of which some will be left alone is chosen for more minutes than there are, and cut where those who are
    called have used them up: that the holdout costs no minutes, and a row's own arm never decides about it.
    """
    room = Room.of(settings, known.run_date, horizon_days, playbook.list_shares, known.usable)
    quiet = Room.of(settings, known.run_date, horizon_days, playbook.list_shares, known.usable, if_quiet=True)
    room = room.less(_places(known.worked, known.run_date))
    blind = room.blind(settings.holdout_share)
    promised = _promised(allowed, blind.share(playbook.trigger_share))
    firm = pd.concat([promised, blind.less(promised).fill(_without(allowed, promised))])
    firm = _served(firm.assign(tier=worklist.FIRM), arms, room)
    quiet = replace(quiet, budget=room.less(firm[firm["account_id"].map(arms) != HOLDOUT]).budget)
    more = quiet.blind(settings.holdout_share).fill(_without(allowed, firm))
    return pd.concat([firm, _served(more.assign(tier=worklist.IF_QUIET), arms, quiet)], ignore_index=True)


def _idle_hours(rows: pd.DataFrame, known: Known, settings: OutreachSettings) -> list[str | None]:
    """When the agents whose minutes a row takes have them."""
    if known.usable.empty:
        return [None] * len(rows)
    of_tier = {
        tier: capacity.idle_hours(
            settings, known.usable, known.site_zone, known.interval_minutes, if_quiet=tier == worklist.IF_QUIET
        )
        for tier in TIERS
    }
    places = zip(rows["tier"], rows["pool"], rows["planned_on"], strict=True)
    return [of_tier.get(tier, {}).get((pool, on)) for tier, pool, on in places]


def _served(rows: pd.DataFrame, arms: pd.Series, room: Room) -> pd.DataFrame:
    """The rows that there is room for in working order; those who are left alone use none of it."""
    if rows.empty:
        return rows
    ordered = worklist.in_order(rows)
    return ordered[room.holds(ordered, ordered["account_id"].map(arms) != HOLDOUT)]


def _promised(allowed: pd.DataFrame, room: Room) -> pd.DataFrame:
    """Triggers within their deadline, the most urgent kind first; of a kind as many as fit, those worth most."""
    urgent = allowed[allowed["trigger"].notna() & ~allowed["is_overdue"]]
    taken = urgent.iloc[:0].assign(pool=None, planned_on=None)
    for _, rows in urgent.groupby("trigger_place"):
        rest = _without(rows, taken)
        worth = rest["expected_value_cents"] - rest["expected_value_cents"].min()
        weights = {"saved_cents": worth + worth.max() + 1, "cost_cents": 0}  # two always outweigh one
        found = room.less(taken).best(rest.assign(**weights))
        found = found.assign(**{name: rest.loc[found.index, name] for name in weights})
        taken = pd.concat([taken, found]) if len(taken) else found
    return taken


def _without(rows: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["account_id"].isin(taken["account_id"])]


def _places(worked: pd.DataFrame, run_date: date) -> pd.DataFrame:
    """Pool and day of rows on which work has begun."""
    return pd.DataFrame({
        "pool": worked["pool"].fillna(worked["team"]),
        "planned_on": worked["planned_on"].fillna(run_date),
        "list_name": worked["list_name"],
        "expected_minutes": worked["expected_minutes"].astype(float),
        "offer_cost_cents": worked["offer_cost"].astype(float) * 100,
    })  # fmt: skip


def _left_over(allowed: pd.DataFrame, selected: pd.DataFrame, budget_cents: float) -> pd.DataFrame:
    """Triggers and renewals that only minutes or budget keep off the list: nobody is to be lost sight of."""
    rest = allowed[~allowed["customer_id"].isin(selected["customer_id"])]
    is_worth_it = (rest["list_name"] == worklist.RENEWAL) & (rest["expected_value_cents"] > 0)
    best = _best_of_each(rest[rest["trigger"].notna() | is_worth_it])
    has_listed = best["account_id"].isin(selected["account_id"])
    is_too_dear = best["offer_cost_cents"] > budget_cents
    kinds = [has_listed, is_too_dear, best["is_overdue"]]
    reason = np.select(kinds, [ACCOUNT_LISTED, NO_BUDGET, OVERDUE], NO_MINUTES)
    return best.assign(tier=None, suppression_reason=reason)


def _considered(allowed: pd.DataFrame, selected: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """One row an account; who was on the list of the night before was decided on then."""
    rest = _without(allowed, selected).sort_values(["account_id", "expected_value_cents"], ascending=[True, False])
    both = pd.concat([selected.assign(is_listed=True), rest.drop_duplicates("account_id").assign(is_listed=False)])
    decided = allowed.loc[allowed["customer_id"].isin(previous["customer_id"]), "account_id"]
    both = both[~both["account_id"].isin(decided)]
    return both.assign(reason=groups_of(both)["reason"], is_offered=both["offer"].notna()).sort_values(
        "account_id", ignore_index=True
    )


def _held_back(options: pd.DataFrame, is_allowed: pd.Series) -> pd.DataFrame:
    """Customers whom a filter alone keeps off the list: the best of their options, if it were worth anything.

    That is, apart from an earlier contact, which is what a cooldown is there for.
    """
    free = options.loc[is_allowed, "customer_id"]
    held = options[~options["customer_id"].isin(free)]
    is_worth_it = held["saved_cents"] / held["fresh_share"] > held["cost_cents"]
    held = held[held["trigger"].notna() | is_worth_it]
    return _best_of_each(held).assign(tier=None)


def _best_of_each(options: pd.DataFrame) -> pd.DataFrame:
    best = options.sort_values(["customer_id", "expected_value_cents"], ascending=[True, False], kind="stable")
    return best.drop_duplicates("customer_id")


def _why_empty(known: Known, options: pd.DataFrame, listed: pd.DataFrame, withheld: pd.DataFrame) -> list[str]:
    customers = known.candidates["customer_id"]
    scored = known.scores.loc[known.scores["churn_probability"].notna(), "customer_id"]
    return [why_nobody(customers, customers.isin(scored), options, withheld)] if listed.empty else []


def _notes(known: Known, playbook: Playbook, settings: OutreachSettings) -> list[str]:
    """What a planner should know, one line each."""
    notes = capacity.told(playbook, settings, known.run_date, known.usable)
    zones = hours.unknown_zones(known.candidates)
    if len(zones):
        notes.append(
            f"{zones.sum()} customers have a time zone that does not exist, such as `{zones.index[0]}`: "
            f"{known.site_zone} is taken for it"
        )
    moved = moved_between_arms(known.candidates, known.arms, known.former_accounts)
    if moved:
        notes.append(f"{moved} customers moved to an account of the other arm: the account's arm holds")
    return notes
