"""What was known of an account on the night it was first listed: the features of then, kept for an uplift model.

The mart keeps features for seven nights only, and outcomes take months. So the night that lists an account for the
first time, or leaves it alone at random, keeps its features and what its row was worth. One row an account, or a few
where a night was not published: the one of the night of its first listing counts.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.json as pa_json

from features.attributes import attribute_kinds, with_attributes
from features.columns import load_columns
from forestall.night import Night
from forestall.outreach.experiment import HOLDOUT
from forestall.warehouse import Warehouse

if TYPE_CHECKING:
    from forestall.outreach.listing import Lists
    from models.churn.design import Kind

TABLE = "forestall.listing_features"
LISTING_FEATURES = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        run_date DATE NOT NULL, account_id VARCHAR NOT NULL, customer_id VARCHAR NOT NULL,
        value_at_risk DOUBLE PRECISION, cost DOUBLE PRECISION, features VARCHAR NOT NULL
    )
"""
COSTS = ("offer_cost", "contact_cost", "load_cost")


def record_listing_features(warehouse: Warehouse, night: Night, lists: "Lists") -> int:
    """Keep the features of accounts that tonight's lists show for the first time; returns how many.

    A backfill's lists were never worked, so nothing can be learned from them.
    """
    warehouse.execute(LISTING_FEATURES)
    held = lists.withheld[lists.withheld["suppression_reason"] == HOLDOUT]
    rows = pd.concat([lists.listed, held]).drop_duplicates("account_id")
    new = rows[~rows["account_id"].isin(_recorded(warehouse, night))]
    if night.settings.is_backfill or new.empty:
        return 0
    told = features_of(warehouse, night, list(new["customer_id"]))
    if told.empty:
        return 0
    names = [column.name for column in load_columns() if column.role in ("feature", "attributes")]
    lines = told[[name for name in names if name in told]].to_json(orient="records", lines=True).splitlines()
    kept = pd.DataFrame({"customer_id": told["customer_id"].astype("str"), "features": lines})
    worth = new[["account_id", "customer_id"]].assign(
        run_date=night.run_date,
        value_at_risk=new["value_at_risk"].astype(float),
        cost=sum(new[name].astype(float).fillna(0.0) for name in COSTS),
    )
    both = worth.merge(kept, on="customer_id", validate="one_to_one")
    with warehouse.transaction():
        return warehouse.append(TABLE, pa.Table.from_pandas(both, preserve_index=False))


def features_of(warehouse: Warehouse, night: Night, customers: list[str]) -> pd.DataFrame:
    """Tonight's rows of `marts.fct_customer_features` of these customers, in order of customer."""
    if not customers:
        return pd.DataFrame(columns=["customer_id"])
    sql = f"""
        SELECT * FROM marts.fct_customer_features
        WHERE as_of_on = ? AND NOT is_training AND customer_id IN ({", ".join("?" * len(customers))})
        ORDER BY customer_id
    """
    return warehouse.frame(sql, [night.run_date, *customers])


def _recorded(warehouse: Warehouse, night: Night) -> set[str]:
    """Accounts that were listed before, and those whose features of tonight are kept already."""
    sql = f"SELECT account_id FROM {TABLE} WHERE run_date = ?"
    found = set(warehouse.query(sql, [night.run_date]).column(0).to_pylist())
    if warehouse.has_table("forestall.listings"):
        sql = "SELECT DISTINCT account_id FROM forestall.listings WHERE run_date < ?"
        found |= set(warehouse.query(sql, [night.run_date]).column(0).to_pylist())
    return found


def recorded_count(warehouse: Warehouse) -> int:
    """How many rows are kept."""
    return int(warehouse.scalar(f"SELECT count(*) FROM {TABLE}") or 0) if warehouse.has_table(TABLE) else 0


def read_listing_features(
    warehouse: Warehouse, accounts: pd.DataFrame, unseen: Collection[str] = ()
) -> tuple[pd.DataFrame, dict[str, "Kind"]]:
    """Accounts with what was known of them on the night of their first listing, and what the features are.

    Args:
        warehouse: with the table.
        accounts: account_id, listed_on; a column of a feature's name is replaced.
        unseen: attributes that no model may see (`outreach.fairness_attributes`).

    Returns:
        Those of the accounts whose features were kept, in the same order, with the features, value_at_risk and cost.
    """
    from forestall.history.churn import feature_kinds

    kept = warehouse.frame(f"SELECT run_date, account_id, value_at_risk, cost, features FROM {TABLE}")
    kept = kept.assign(listed_on=pd.to_datetime(kept["run_date"])).drop(columns="run_date")
    kinds = feature_kinds()
    own = accounts.drop(columns=[name for name in accounts if name in kinds and name != "segment"])
    rows = own.merge(kept, on=["account_id", "listed_on"], validate="one_to_one")
    told = with_attributes(_parsed(rows["features"]).assign(as_of_on=rows["listed_on"]), unseen)
    told = told.drop(columns=[name for name in told if name in rows.columns or name == "as_of_on"])
    return pd.concat([rows.drop(columns="features"), told], axis=1), {**kinds, **attribute_kinds(told)}


def _parsed(lines: pd.Series) -> pd.DataFrame:
    """One JSON object a line, as columns."""
    if lines.empty:
        return pd.DataFrame(index=lines.index)
    text = "\n".join(lines).encode()
    options = pa_json.ReadOptions(block_size=len(text) + 1)
    told: pd.DataFrame = pa_json.read_json(pa.BufferReader(text), read_options=options).to_pandas()
    return told.set_axis(lines.index)
