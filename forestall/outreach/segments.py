"""Lifecycle stage and value segment of each customer, by rules that a business person reads and changes.

A stage is the first whose conditions all hold, a value segment the first whose line a customer's worth reaches.
Conditions are about columns of `marts.fct_customer_features`. Nothing is learned here: the same customer is in the
same segment whatever a model says of it.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.columns import load_columns
from features.sections import Section
from forestall.reviewed import MistakeAtError, load_reviewed
from forestall.settings import Settings

TEMPLATE = Path(__file__).parents[1] / "templates" / "segments.yml"

UNKNOWN = "unknown"
STAGE, VALUE = "lifecycle_stage", "value_segment"
COLUMNS = ("customer_id", STAGE, VALUE)

FactKind = Literal["number", "yes_or_no", "text"]


def _facts() -> dict[str, FactKind]:
    """What a condition may ask about, and what kind of thing it is."""
    kinds: dict[str, FactKind] = {"boolean": "yes_or_no", "varchar": "text"}
    told = (column for column in load_columns() if column.role in ("population", "feature"))
    return {column.name: kinds.get(column.data_type, "number") for column in told if column.name != "account_id"}


FACTS: Mapping[str, FactKind] = _facts()


class Condition(Section):
    """What must hold of one fact. What is not known holds for nobody, unless `or_unknown` says otherwise."""

    at_least: float | None = Field(None, description="this or more")
    below: float | None = Field(None, description="less than this")
    equals: bool | None = Field(None, description="true or false")
    one_of: tuple[str, ...] = Field((), description="one of these words")
    or_unknown: bool = Field(False, description="holds too where the fact is not known of the customer")

    @property
    def kinds(self) -> set[FactKind]:
        """The kinds of fact that it asks for."""
        asked: list[tuple[bool, FactKind]] = [
            (self.at_least is not None or self.below is not None, "number"),
            (self.equals is not None, "yes_or_no"),
            (bool(self.one_of), "text"),
        ]
        return {kind for is_asked, kind in asked if is_asked}

    def holds(self, fact: pd.Series) -> pd.Series:
        """Row by row; of a fact that is known of nobody it holds nowhere."""
        known = fact.notna()
        if not known.any():
            return known
        if self.equals is not None:
            fits = fact.astype("boolean").eq(self.equals)
        elif self.one_of:
            fits = fact.isin(self.one_of)
        else:
            numbers = fact.astype("float64")
            low = -np.inf if self.at_least is None else self.at_least
            high = np.inf if self.below is None else self.below
            fits = (numbers >= low) & (numbers < high)
        return (fits.fillna(value=False).astype(bool) & known) | (~known & self.or_unknown)


class ValueLine(Section):
    """From where on a customer belongs to a value segment."""

    top_share: float | None = Field(None, gt=0, lt=1, description="of the customers whose worth is known, those on top")
    at_least: float | None = Field(None, description="worth this or more, company currency")


class ValueRules(Section):
    """How customers are told apart by their worth."""

    by: tuple[str, ...] = Field(min_length=1, description="the first of these columns that the data knows of anyone")
    segments: dict[str, ValueLine] = Field(min_length=1)

    @model_validator(mode="after")
    def _lines_fall(self) -> "ValueRules":
        for place, name in enumerate(self.by):
            _refuse_unfit(("by", place), name, {"number"})
        *lines, last = self.segments.values()
        if last != ValueLine():
            raise MistakeAtError(
                ("segments", list(self.segments)[-1]), "is the last and takes everybody else: write {}"
            )
        shares = [line.top_share for line in lines if line.top_share is not None and line.at_least is None]
        amounts = [line.at_least for line in lines if line.at_least is not None and line.top_share is None]
        if lines and len(lines) not in (len(shares), len(amounts)):
            raise MistakeAtError(("segments",), "each has one line, all of them top_share or all of them at_least")
        if shares != sorted(set(shares)) or amounts != sorted(set(amounts), reverse=True):
            raise MistakeAtError(("segments",), "from the worthiest down: top_share rises, at_least falls")
        return self


class SegmentRules(Section):
    """All of `segments.yml`."""

    lifecycle: dict[str, dict[str, Condition]] = Field(min_length=1, description="conditions by stage, in order")
    value: ValueRules

    @model_validator(mode="after")
    def _conditions_can_hold(self) -> "SegmentRules":
        *stages, last = self.lifecycle
        if self.lifecycle[last]:
            raise MistakeAtError(("lifecycle", last), "is the last and takes everybody else: write {}")
        for stage in stages:
            if not self.lifecycle[stage]:
                raise MistakeAtError(("lifecycle", stage), "has no condition, so no stage below it is ever reached")
            for name, condition in self.lifecycle[stage].items():
                _refuse_unfit(("lifecycle", stage, name), name, condition.kinds)
        return self


def load_segments(settings: Settings) -> SegmentRules:
    """The reviewed `segments.yml`; where the company has none, the one that `forestall init` writes.

    Raises:
        ConfigError: the file holds a mistake; names file and line.
    """
    own = settings.root / settings.files.segments
    return load_reviewed(own if own.is_file() else TEMPLATE, SegmentRules)


def _refuse_unfit(location: tuple[int | str, ...], name: str, kinds: set[FactKind]) -> None:
    """A fact that is not there, or of which something is asked that it cannot answer."""
    if name not in FACTS:
        near = difflib.get_close_matches(name, FACTS, n=1)
        raise MistakeAtError(location, f"there is no fact `{name}`{f'; meant `{near[0]}`?' if near else ''}")
    if kinds != {FACTS[name]}:
        words = {"number": "at_least or below", "yes_or_no": "equals", "text": "one_of"}
        raise MistakeAtError(location, f"takes {words[FACTS[name]]}, and nothing else beside or_unknown")


def classify(rows: pd.DataFrame, rules: SegmentRules) -> pd.DataFrame:
    """The stage and the value segment of each customer.

    Args:
        rows: one night's rows of `marts.fct_customer_features`; a column that is missing is known of nobody.
        rules: the company's.

    Returns:
        `COLUMNS`, in the order of `rows`. The value segment is `unknown` where the worth is. With a top_share of
        0.2 the two with the most of ten customers are on top, and with them whoever has as much as the second.
    """
    return pd.DataFrame({
        "customer_id": rows["customer_id"], STAGE: _stages(rows, rules.lifecycle), VALUE: _values(rows, rules.value)
    })  # fmt: skip


def _stages(rows: pd.DataFrame, lifecycle: Mapping[str, Mapping[str, Condition]]) -> Any:
    *stages, last = lifecycle
    fits = [
        np.logical_and.reduce([condition.holds(_fact(rows, name)) for name, condition in lifecycle[stage].items()])
        for stage in stages
    ]
    return np.select(fits, stages, last) if stages else np.full(len(rows), last, dtype=object)


def _values(rows: pd.DataFrame, rules: ValueRules) -> Any:
    worth = next((own for own in (_fact(rows, name) for name in rules.by) if own.notna().any()), None)
    if worth is None:
        return np.full(len(rows), UNKNOWN, dtype=object)
    amounts = worth.to_numpy(dtype=np.float64, na_value=np.nan)
    known = amounts[~np.isnan(amounts)]
    *names, last = rules.segments
    reaches = [amounts >= _line(rules.segments[name], known) for name in names]
    return np.select([np.isnan(amounts), *reaches], [UNKNOWN, *names], last)


def _line(line: ValueLine, known: Any) -> float:
    if line.at_least is not None:
        return line.at_least
    return float(np.quantile(known, 1 - float(line.top_share or 0), method="higher"))


def _fact(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name] if name in rows else pd.Series(np.nan, index=rows.index)


def segment_summary(segments: pd.DataFrame, scores: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """`segment_summary`: customers, risk and list by lifecycle stage and value segment.

    Args:
        segments: as `classify` gives them.
        scores: `churn_scores` of the main horizon.
        listed: `outreach_list`; who refused profiling is in no segment.
    """
    known = ["customer_id", "churn_probability", "monthly_margin"]
    worth = listed.groupby("customer_id", as_index=False)[["expected_value"]].sum()
    rows = segments.merge(scores[known], on="customer_id", how="left", validate="one_to_one")
    rows = rows.merge(worth, on="customer_id", how="left", validate="one_to_one")
    rows = rows.sort_values("customer_id")  # sums of floats in one order
    is_scored = rows["churn_probability"].notna()
    rows = rows.assign(
        scored_count=is_scored, margin=rows["monthly_margin"].where(is_scored),
        at_risk=rows["churn_probability"] * rows["monthly_margin"], is_listed=rows["expected_value"].notna(),
    )  # fmt: skip
    groups = rows.groupby([STAGE, VALUE], sort=True)
    found = groups.agg(
        customer_count=("customer_id", "size"), scored_count=("scored_count", "sum"),
        churn_probability=("churn_probability", "mean"), expected_leavers=("churn_probability", "sum"),
        listed_count=("is_listed", "sum"),
    )  # fmt: skip
    money = groups[["margin", "at_risk"]].sum(min_count=1).round(4)
    found = found.assign(
        monthly_margin=money["margin"], margin_at_risk=money["at_risk"],
        listed_value=groups["expected_value"].sum().round(2),
    )  # fmt: skip
    return found.reset_index()
