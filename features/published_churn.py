"""Published tables of churn: scores, segments, what goes with leaving, and how customers have shifted."""

from features.tables import Table, columns

CHURN_SCORES = Table(
    "churn_scores", "customer x horizon", ("customer_id", "horizon_days"),
    columns(
        ("customer_id", "text", "pseudonym"),
        ("horizon_days", "integer", "within how many days of the run date"),
        ("account_id", "text", "pseudonym of the account"),
        ("churn_probability", "number", "calibrated probability of deciding to leave, if nobody calls"),
        ("risk_band", "text", "low, medium, high, very_high"),
        ("risk_rank", "integer", "1 is the greatest probability of the horizon"),
        ("previous_churn_probability", "number", "the same on the night before; null for newcomers"),
        ("segment", "text", "the company's segment"),
        ("monthly_margin", "money", "margin a month, company currency"),
        ("model_version", "text", "registered model and version"),
        ("lifecycle_stage", "text", "by `segments.yml`; null before schema version 3"),
        ("value_segment", "text", "by `segments.yml`; null before schema version 3"),
        ("change_by_model", "number", "of the change, what a new model alone makes; told as change_reason is"),
        ("change_reason", "text", "how the score moved since the night before, and what moved it; main horizon, and "
         "only customers whose reasons are worked out"),
    ),
)  # fmt: skip

SEGMENT_SUMMARY = Table(
    "segment_summary", "lifecycle stage x value segment", ("lifecycle_stage", "value_segment"),
    columns(
        ("lifecycle_stage", "text", "by `segments.yml`"),
        ("value_segment", "text", "by `segments.yml`; unknown where nobody knows what the customer is worth"),
        ("customer_count", "integer", "active customers, those under notice too; who refused profiling is left out"),
        ("scored_count", "integer", "of these, with a score"),
        ("churn_probability", "number", "mean of the scored, main horizon"),
        ("expected_leavers", "number", "sum of their probabilities"),
        ("monthly_margin", "money", "margin a month of the scored, company currency; null where nobody's is known"),
        ("margin_at_risk", "money", "margin a month expected to leave: probability x margin, added up"),
        ("listed_count", "integer", "customers on tonight's list"),
        ("listed_value", "money", "what the list expects to save by them"),
    ),
)  # fmt: skip

CHURN_CAUSES = Table(
    "churn_causes", "topic x product", ("topic", "product"),
    columns(
        ("topic", "text", "what contacts were about; `all`: of whatever topic; `other`: topics of too few customers"),
        ("product", "text", "the product concerned; `all`: of whichever"),
        ("contact_count", "integer", "inbound contacts of the last 90 days, those of unknown customers too"),
        ("customer_count", "integer", "scored customers who made them"),
        ("expected_leavers", "number", "of these, expected to leave within the main horizon: sum of probabilities"),
        ("leavers_low", "number", "95 % range of how many will, if the probabilities hold"),
        ("leavers_high", "number", "its upper end"),
        ("margin_at_risk", "money", "margin a month expected to leave with them; null where nobody's is known"),
        ("compared_on", "date", "from this morning on it was followed who left, for excess_risk; null: not known yet"),
        ("compared_count", "integer", "customers with such a contact in the 90 days before, who were compared"),
        ("excess_risk", "number", "by how much more of them left than of customers alike without one; goes with the "
         "topic, and need not be caused by it; null: too few"),
        ("excess_low", "number", "95 % interval, for all rows at once"),
        ("excess_high", "number", "its upper end"),
        ("excess_leavers", "number", "excess_risk x customer_count"),
        ("excess_leavers_low", "number", "the same of excess_low"),
        ("excess_leavers_high", "number", "the same of excess_high"),
        ("sentence", "text", "what it says"),
    ),
)  # fmt: skip

SCORE_DRIFT = Table(
    "score_drift", "score and each feature of the model", ("kind", "subject"),
    columns(
        ("kind", "text", "score or feature"),
        ("subject", "text", "`score`, or the feature's name"),
        ("stability_index", "number", "population stability index of tonight's customers against the newest that the "
         "model learned from, less what chance gives; below 0.1 stable"),
        ("is_drifted", "boolean", "beyond the limit of models/params/churn.yml"),
        ("gain_share", "number", "share of what the model goes by that the feature carries; null for the score"),
        ("missing_share_before", "number", "share of customers without a value, then"),
        ("missing_share_now", "number", "the same tonight"),
        ("reference_count", "integer", "customers then"),
        ("current_count", "integer", "customers looked at tonight"),
        ("reference_on", "date", "when then was: the newest as-of date that the model learned from"),
        ("model_version", "text", "registered model and version"),
    ),
)  # fmt: skip
