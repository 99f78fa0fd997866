"""The report of a night as one HTML file that needs no network: of a published night, or of a failed run.

It reads a published night (or the gates of a run that was stopped), never the warehouse, and says
nothing that is not in there: the same night gives the same bytes.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from features.published import PUBLISHED
from forestall.publishing.publication import PublishedNight
from forestall.staffing import concurrency
from forestall.web import charts, numbers, planning, risk, summaries
from forestall.web.minutes import minutes_of_outreach, shrinkage_sentence
from forestall.web.price import price_of_agents
from forestall.web.shifts import shift_section

HEAD_ROWS = 20
MOST_COLUMNS = 32  # of a heat map; finer plans are shown by the hour
WORSE = 0.0005  # of WAPE; less would not show
MOST_QUEUES = 12  # drawn; the largest ones
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEAD_BUCKETS = ("1", "2-3", "4-7", "8-14", "15-28", "29-56")


# What people call that of which a job's notes tell.
NOTES_OF = {
    "pull": "Data", "check_batch": "Data", "build_features": "Features", "check_features": "Features",
    "measure_outreach": "Effect of outreach", "train_churn": "Churn model", "score_churn": "Risk of leaving",
    "forecast_volume": "Forecast of contacts", "plan_staffing": "Staffing plan", "plan_shifts": "Shifts",
    "value_agents": "Price of an agent", "choose_outreach": "Outreach list", "explain_churn": "Reasons",
    "measure": "How good the forecasts were", "check_publication": "Publication", "publish": "Publication",
    "deliver": "Delivery of the list", "retrain_on_drift": "Churn model",
}  # fmt: skip


def night_report(night: PublishedNight, before: PublishedNight | None = None) -> str:
    """The report of a published night.

    Args:
        night: the night; may still lie aside.
        before: the night before, for what changed since.
    """
    about = night.manifest
    zone, currency = about["company"]["time_zone"], about["company"]["currency"]
    tables = {name: night.frame(name) for name in PUBLISHED}
    for name in ("volume_forecast", "staffing_requirement"):
        tables[name] = summaries.with_local_time(tables[name], zone)
    figures = summaries.headline(tables, night.run_date, about["main_horizon"])
    return _page(
        "night.html.j2",
        currency,
        zone,
        night=night,
        about=about,
        figures=figures,
        change=_change_since(tables, before, night.run_date, zone),
        plan=_plan(tables["staffing_requirement"], figures.plan_on),
        shifts=shift_section(tables, night.run_date, zone, about["standards"]),
        forecasts=_forecasts(tables["volume_forecast"], tables["volume_days"], figures.plan_on),
        days=_days(tables["volume_days"]),
        days_unlike_others=planning.days_unlike_others(tables["mark_effects"], night.run_date),
        moves=planning.moves(tables["forecast_changes"]),
        override_lines=planning.worth_of_overrides(tables["override_value"]),
        listed=_records(tables["outreach_list"].sort_values("list_rank").head(HEAD_ROWS)),
        withheld=_reasons_withheld(tables["outreach_withheld"]),
        minutes=minutes_of_outreach(tables["outreach_placed"], tables["usable_minutes"], zone, currency),
        shrinkage=shrinkage_sentence(tables["shrinkage_causes"]),
        at_once=concurrency.sentences(tables["handle_time_by_concurrency"]),
        price=price_of_agents(tables["wait_effect"], tables["agent_value"], zone),
        risk=_risk(tables["segment_summary"], tables["churn_causes"]),
        effect=_effect(tables["outreach_effect"], tables["outreach_power"]),
        fairness=_fairness(tables["outreach_fairness"]),
        savings=_savings(tables["save_chances"], tables["save_models"]),
        services=summaries.service_week(tables["service_kpis"], about["standards"]),
        accuracy=_accuracy(tables["forecast_accuracy"]),
        notes=[(NOTES_OF.get(job, job.replace("_", " ")), lines) for job, lines in about.get("notes", {}).items()],
        gates=_gates(tables["gate_results"]),
    )


def failure_report(results: pd.DataFrame, run_date: date, company: str, shown: str | None) -> str:
    """The report of a run that a gate stopped.

    Args:
        results: all gates that were looked at, in the columns of `GATE_RESULTS`.
        run_date: the morning that it was for.
        company: its name.
        shown: the night that stays up, or None.
    """
    return _page(
        "failure.html.j2", "", "UTC", run_date=run_date, company=company, shown=shown, gates=_gates(results)
    )  # fmt: skip


def _page(template: str, currency: str, zone: str, **context: Any) -> str:
    environment = Environment(
        loader=PackageLoader("forestall.web"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    formats: dict[str, Callable[..., Any]] = {
        "number": numbers.number, "percent": numbers.percent, "points": numbers.points, "day": numbers.day,
        "signed_percent": numbers.signed_percent, "duration": numbers.duration, "plain": numbers.plain,
        "signed": numbers.signed, "size": numbers.size, "weeks": numbers.weeks, "prose": numbers.prose,
        "opening": numbers.opening,
        "money": lambda amount: numbers.money(amount, currency), "instant": lambda at: numbers.instant(at, zone),
    }  # fmt: skip
    environment.filters.update(formats)
    style = Markup((Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(style=style, **context)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries, with None for what is missing."""
    filled = rows.astype(object).where(rows.notna(), None)
    return [dict(zip(filled.columns, values, strict=True)) for values in filled.to_numpy()]


def _change_since(
    tables: Mapping[str, pd.DataFrame], before: PublishedNight | None, run_date: date, zone: str
) -> dict[str, Any] | None:
    """How the plan of the same seven days moved since the night before; None where there is none."""
    if before is None:
        return None
    week = [pd.Timestamp(run_date) + timedelta(days=day) for day in range(7)]
    moved: dict[str, Any] = {"run_date": before.run_date}
    for name, column in (("volume_forecast", "contacts"), ("staffing_requirement", "agents_gross")):
        now, then = tables[name], summaries.with_local_time(before.frame(name), zone)
        shared = set(now["local_on"]) & set(then["local_on"]) & set(week)
        sums = [float(rows.loc[rows["local_on"].isin(shared), column].sum()) for rows in (now, then)]
        moved[column] = sums[0] / sums[1] - 1 if sums[1] else None
    return moved


def _plan(requirement: pd.DataFrame, plan_on: date) -> dict[str, Any]:
    by_queue = summaries.agents_by_interval(requirement, plan_on)
    by_queue = by_queue.loc[by_queue.max(axis=1) > 0] if len(by_queue.columns) else by_queue
    by_weekday = summaries.agents_by_weekday(requirement)
    by_weekday.index = pd.Index([WEEKDAYS[day] for day in by_weekday.index])
    return {"queues": _heat_map(by_queue, with_total=True), "weekdays": _heat_map(by_weekday, with_total=False)}


def _heat_map(grid: pd.DataFrame, *, with_total: bool) -> dict[str, Any]:
    """Cells with their share of the greatest one."""
    is_hourly = len(grid.columns) > MOST_COLUMNS
    grid = summaries.hourly(grid) if is_hourly else grid
    greatest = max(int(grid.to_numpy().max()), 1) if grid.size else 1
    return {
        "columns": list(grid.columns),
        "is_hourly": is_hourly,
        "rows": [
            {"name": name, "cells": [(int(value), round(value / greatest, 3)) for value in values]}
            for name, values in zip(grid.index, grid.to_numpy(), strict=True)
        ],
        "totals": [int(total) for total in grid.sum()] if with_total else None,
    }


def _forecasts(forecast: pd.DataFrame, volume_days: pd.DataFrame, plan_on: date) -> list[dict[str, Any]]:
    """For each of the largest queues the chart of four weeks and that of the plan's first day."""
    daily = summaries.daily_contacts(volume_days)
    largest = daily.groupby("queue")["contacts"].sum().nlargest(MOST_QUEUES).index
    drawn = []
    for queue in map(str, largest):
        days = daily[daily["queue"] == queue]
        first = forecast[(forecast["queue"] == queue) & (forecast["local_on"] == pd.Timestamp(plan_on))]
        drawn.append(
            {
                "queue": queue,
                "channel": first["channel"].iloc[0],
                "method": first["method"].iloc[0],
                "contacts": float(days["contacts"].sum()),
                "daily": _daily_chart(queue, days),
                "intraday": _intraday_chart(queue, first),
            }
        )
    return drawn


def _daily_chart(queue: str, days: pd.DataFrame) -> Markup:
    labels = [f"{day:%a} {day.day} {day:%b}" for day in days["local_on"]]
    is_open = days["contacts"] > 0
    least, most = (numbers.number(value) for value in days.loc[is_open, "contacts"].agg(["min", "max"]))
    return charts.day_chart(
        labels, list(days["contacts"]), list(days["low"]), list(days["high"]),
        title=f"{queue}: {least} to {most} contacts on the days of the next four weeks, with 80 % whiskers",
        shaded=list(days["local_on"].dt.day_of_week >= 5), ticks=range(0, len(days), 7),
    )  # fmt: skip


def _intraday_chart(queue: str, rows: pd.DataFrame) -> Markup:
    rows = rows.sort_values("interval_start_at")
    busy = np.flatnonzero((rows["contacts"] > 0.005) | rows["is_open"])
    rows = rows.iloc[busy[0] : busy[-1] + 1] if len(busy) else rows.iloc[:0]
    times = list(rows["local_time"])
    peak = times[int(rows["contacts"].to_numpy().argmax())] if times else "no time"
    return charts.band_chart(
        times, list(rows["contacts"]), list(rows["contacts_p10"]), list(rows["contacts_p90"]),
        title=f"{queue}: contacts by interval, busiest at {peak}, with an 80 % band", width=360,
        ticks=[at for at in range(len(times)) if times[at].endswith(":00") and int(times[at][:2]) % 3 == 0],
    )  # fmt: skip


def _days(volume_days: pd.DataFrame) -> dict[str, Any]:
    """Contacts a day of every queue for two weeks, as a table for those who want the figures."""
    daily = summaries.daily_contacts(volume_days, days=14)
    grid = daily.pivot_table(index="local_on", columns="queue", values="contacts", aggfunc="sum")
    return {
        "queues": list(grid.columns),
        "rows": [(day.date(), list(values)) for day, values in zip(grid.index, grid.to_numpy(), strict=True)],
    }


def _reasons_withheld(withheld: pd.DataFrame) -> list[tuple[str, int]]:
    counts = withheld["suppression_reason"].value_counts()
    return sorted(((str(reason), int(count)) for reason, count in counts.items()), key=lambda pair: -pair[1])


def _risk(summary: pd.DataFrame, causes: pd.DataFrame) -> dict[str, Any]:
    """Where the risk lies: by segment and by cause, each None where nothing is known."""
    segments, found = risk.by_segment(summary), risk.by_cause(causes)
    return {
        "segments": {name: _records(rows) for name, rows in segments.items()} if segments else None,
        "causes": found and {**found, "rows": _records(found["rows"])},
    }


def _effect(effects: pd.DataFrame, power: pd.DataFrame) -> dict[str, Any] | None:
    """What outreach does, how it came to be known, by group, and how long more it takes; None before any list."""
    if effects.empty and (power.empty or not power["listed_count"].any()):
        return None
    now = effects[effects["is_current"].fillna(False).astype(bool)]
    groups = now[(now["scope"] != "all") & (now["measure"] == "left")].sort_values(["scope", "scope_value"])
    history = effects[(effects["scope"] == "all") & (effects["measure"] == "left")].dropna(subset=["effect"])
    by_size = power.pivot_table(index="effect_size", columns="looking", values="weeks", dropna=False)
    return {
        "sentences": list(
            now.loc[now["scope"] == "all"].sort_values("measure", key=lambda name: name.map(SHOWN))["sentence"]
        ),
        "chart": _effect_chart(history.sort_values("matured_until_on")) if len(history) > 1 else None,
        "groups": _records(groups),
        "contaminated": int(now.loc[now["scope"] == "all", "contaminated_count"].max()) if len(now) else 0,
        "power": _records(by_size.reindex(columns=["fixed_date", "every_night"]).reset_index()),
    }


def _fairness(rows: pd.DataFrame) -> dict[str, Any] | None:
    """Comparisons of groups that were judged, flagged ones first, and how many were too small; None without any."""
    if rows.empty:
        return None
    judged = rows[rows["verdict"] != "too_few"].sort_values(
        ["is_flagged", "scope", "scope_value", "measure"], ascending=[False, True, True, True]
    )
    return {
        "flagged": list(judged.loc[judged["is_flagged"].astype(bool), "sentence"]),
        "judged": _records(judged),
        "too_few_count": len(rows) - len(judged),
        "since_on": rows["since_on"].min(),
        "night_count": int(rows["night_count"].max()),
    }  # fmt: skip


def _savings(chances: pd.DataFrame, models: pd.DataFrame) -> dict[str, Any] | None:
    """What each action saves, over all and by segment, and by what it is known; None on nights that did not say."""
    if chances.empty:
        return None
    is_all = chances["segment"] == "all"
    by_segment = chances[~is_all & (chances["holdout_count"] + chances["treatment_count"] > 0)]
    return {
        "actions": _records(chances[is_all].sort_values("learned_save_probability", ascending=False, kind="stable")),
        "segments": _records(by_segment.sort_values(["action", "segment"])),
        "has_outcomes": bool((chances["source"] != "playbook").any()),
        "reasons": list(models.loc[models["approach"] == "uplift", "reason"].dropna()),
    }


# In the order of what is asked first.
SHOWN = {"left": 0, "margin": 1, "contacts_14d": 2, "handle_minutes_14d": 3}


def _effect_chart(history: pd.DataFrame) -> Markup:
    percent = {
        name: list(100 * history[name]) for name in ("effect", "effect_low", "effect_high", "always_low", "always_high")
    }
    labels = [f"{day.day} {day:%b}" for day in history["matured_until_on"]]
    return charts.effect_chart(
        labels, percent["effect"], (percent["effect_low"], percent["effect_high"]),
        (percent["always_low"], percent["always_high"]),
        title=f"Change of the share that leaves: {percent['effect'][-1]:+.1f} percentage points at last, "
        f"{percent['always_low'][-1]:+.1f} to {percent['always_high'][-1]:+.1f} looked at every night",
    )  # fmt: skip


def _accuracy(accuracy: pd.DataFrame) -> dict[str, Any] | None:
    """All queues by lead as a chart, and each queue a week ahead as rows; None where nothing is scored."""
    if accuracy.empty:
        return None
    total = accuracy[accuracy["queue"] == "all"].set_index("lead_bucket")
    total = total.loc[[bucket for bucket in LEAD_BUCKETS if bucket in total.index]]
    queues = accuracy[(accuracy["queue"] != "all") & (accuracy["lead_bucket"] == "4-7")].sort_values(
        "queue", ignore_index=True
    )
    queues["is_worse"] = queues["wape"] > queues["rival_wape"] + WORSE
    return {
        "chart": charts.accuracy_chart(
            [f"{bucket} d" for bucket in total.index], list(total["wape"]), list(total["rival_wape"]),
            list(total["noise_floor_wape"]), title="Error of the forecast by lead time, beside its rival and the floor",
        ) if len(total) else None,
        "queues": _records(queues),
        "window_days": int(accuracy["window_days"].max()),
        "source": ", ".join(sorted(set(accuracy["source"]))),
    }  # fmt: skip


def _gates(results: pd.DataFrame) -> dict[str, Any]:
    """Gates that failed, blocking ones first, and those that passed by stage."""
    is_passed = results["is_passed"].astype(bool)
    failed = results[~is_passed].sort_values(["severity", "gate"])  # `blocking` comes before `warning`
    return {
        "failed": _records(failed),
        "passed": _records(results[is_passed].sort_values("gate")),
        "blocking_count": int((failed["severity"] == "blocking").sum()),
        "count": len(results),
    }
