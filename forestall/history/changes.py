"""The night before as tonight's model sees it: what was published then, and the features of then.

Features are kept for seven nights; where the last published night is older, a score still says by how much it moved,
and not why.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.attributes import attribute_kinds, with_attributes
from features.columns import gone_phrases, tellers
from features.published_churn import CHURN_SCORES
from features.training_set import scored_population
from forestall.night import Night
from forestall.publishing.publication import PublishedNight, nights
from forestall.warehouse import as_frame, open_warehouse
from models.churn.changes import Seen, changes
from models.churn.model import ChurnModel
from models.churn.reasons import told_as_others

FEATURES = "SELECT * FROM marts.fct_customer_features WHERE as_of_on = ? AND NOT is_training"


def last_published(night: Night) -> PublishedNight | None:
    """The newest published night before this one."""
    earlier = [published for published in nights(night.published) if published.run_date < night.run_date]
    return earlier[-1] if earlier else None


def published_since(night: Night, since: date) -> list[PublishedNight]:
    """Published nights from a day until this one, and the one before that day, the oldest first; newest revisions."""
    newest = {
        published.run_date: published for published in nights(night.published) if published.run_date < night.run_date
    }
    earlier = [run_date for run_date in newest if run_date <= since]
    return [newest[run_date] for run_date in sorted(newest) if run_date >= max(earlier, default=since)]


def previous_scores(last: PublishedNight | None) -> pd.DataFrame:
    """Its probabilities and models by the key of `churn_scores`; no row where there is none.

    Returns:
        customer_id, horizon_days, previous_churn_probability, previous_model_version.
    """
    key = list(CHURN_SCORES.key)
    told = ["churn_probability", "model_version"]
    scores = last.frame("churn_scores") if last else pd.DataFrame(columns=[*key, *told])
    scores = scores[[*key, *told]].astype({"customer_id": "str", "horizon_days": "int64"})
    return scores.rename(columns={name: f"previous_{name}" for name in told})


def changes_since(
    night: Night,
    last: PublishedNight | None,
    previous: pd.DataFrame,
    tonight: Seen,
    model: ChurnModel,
    version: str,
    phrases: Mapping[str, str],
) -> pd.DataFrame:
    """How the scores of `tonight` moved since the last published night, and why (`changes.CHANGE_COLUMNS`).

    Args:
        night: tonight.
        last: the night to compare with; without one every score is the first.
        previous: its scores (`previous_scores`).
        tonight: whom to speak of.
        model: tonight's.
        version: its name, as it was published.
        phrases: by feature.
    """
    rows = _features_of(night, last.run_date, tonight.rows) if last else tonight.rows.iloc[:0]
    before = Seen(rows, told_as_others(model.contributions(rows), tellers()), model.predict(rows)[model.main_horizon])
    of_main = previous[previous["horizon_days"] == model.main_horizon].set_index("customer_id")
    is_new_model = last is not None and set(previous["previous_model_version"].unique()) != {version}
    since = _since(night.run_date, last.run_date) if last else ""
    return changes(
        tonight, before, of_main["previous_churn_probability"], phrases, since,
        is_new_model=is_new_model, gone=gone_phrases(),
    )  # fmt: skip


def _features_of(night: Night, as_of_on: date, tonight: pd.DataFrame) -> pd.DataFrame:
    """What was known of tonight's customers on an earlier night, if it is still kept."""
    wanted = pa.array(tonight["customer_id"].to_numpy(object), pa.string())
    with open_warehouse(night.settings, f"score_churn {night.run_date}") as warehouse:
        pieces = [
            as_frame(piece.filter(pc.is_in(piece["customer_id"], value_set=wanted)))
            for piece in warehouse.pieces(FEATURES, [as_of_on])
        ]
    if not pieces:
        return tonight.iloc[:0]
    known = scored_population(pd.concat(pieces, ignore_index=True))
    rows = with_attributes(known, night.settings.outreach.fairness_attributes)
    return _read_alike(rows, tonight)


def _read_alike(rows: pd.DataFrame, tonight: pd.DataFrame) -> pd.DataFrame:
    """An attribute that is a number on one night and a word on the other cannot be compared: it counts as unchanged."""
    then, now = attribute_kinds(rows), attribute_kinds(tonight)
    of_now = tonight.set_index("customer_id").loc[rows["customer_id"]]
    unlike = {name: of_now[name].set_axis(rows.index) for name, kind in now.items() if then.get(name, kind) != kind}
    return rows.assign(**unlike)


def _since(run_date: date, last_on: date) -> str:
    """`yesterday`, or the day: `27 February`."""
    return "yesterday" if last_on == run_date - timedelta(days=1) else f"{last_on.day} {last_on:%B}"
