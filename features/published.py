"""The contract of a published night: the columns of every table that planners and agents read.

`SCHEMA_VERSION` rises when a column is added; columns are never renamed, retyped or taken away, so
that whatever reads tonight's files reads next year's too. Customers appear as pseudonyms only.
"""

from features.published_planning import FORECAST_CHANGES, FORECAST_LEDGER, OVERRIDE_VALUE
from features.published_shifts import OUTREACH_PLACED, SHIFT_TABLES
from features.published_staffing import SHRINKAGE_CAUSES
from features.tables import Column, Kind, Table

SCHEMA_VERSION = 3


def _columns(*rows: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind, about) for name, kind, about in rows)


CHURN_SCORES = Table(
    "churn_scores", "customer x horizon", ("customer_id", "horizon_days"),
    _columns(
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

_LIST = _columns(
    ("row_id", "text", "key of the row: customer and first listing, stable over re-runs"),
    ("list_rank", "integer", "order to work in, 1 first"),
    ("customer_id", "text", "pseudonym"),
    ("account_id", "text", "pseudonym of the account"),
    ("tier", "text", "firm or if_quiet"),
    ("list_name", "text", "risk, save_queue (notice given), renewal or payment_failure"),
    ("churn_probability", "number", "calibrated probability of leaving within the main horizon"),
    ("risk_band", "text", "low, medium, high, very_high"),
    ("probability_change", "number", "against the night before"),
    ("reasons", "text", "why, in sentences, strongest first, separated by ` | `"),
    ("trigger", "text", "the rule that listed the customer without a model; null where the model did"),
    ("reason", "text", "the playbook's reason, from what pushes the risk most; null before schema version 2"),
    ("is_overdue", "boolean", "the trigger's deadline has passed: it ranks by value, like the rest"),
    ("monthly_margin", "money", "margin a month, as assumed for the value at risk"),
    ("monthly_retention", "number", "share of customers, once saved, who stay another month"),
    ("value_at_risk", "money", "discounted margin over the customer's remaining life, capped"),
    ("prior_save_probability", "number", "share of leavers whom this action keeps: the playbook's"),
    ("learned_save_probability", "number", "the same as learned from outcomes; null before schema version 3"),
    ("save_source", "text", "what it was learned from: playbook (nothing yet), outcomes or uplift (save_models)"),
    ("save_probability", "number", "fall in the probability of leaving by this action; may be negative"),
    ("offer_acceptance", "number", "probability that the offer is taken"),
    ("offer_price", "money", "cost of the offer over its term, once taken"),
    ("offer_cost", "money", "expected cost of the offer"),
    ("contact_cost", "money", "cost of the minutes"),
    ("load_cost", "money", "cost of the contacts that it causes; negative where it avoids some; 0 until measured"),
    ("expected_value", "money", "what the row is worth: save_probability x value_at_risk - costs"),
    ("action", "text", "from the playbook"),
    ("offer", "text", "what may be offered"),
    ("script", "text", "where the script is"),
    ("channel", "text", "how to reach the customer"),
    ("purpose", "text", "what consent is asked for: service or marketing"),
    ("language", "text", "ISO 639-1"),
    ("call_hours", "text", "the customer's local hours in which the team may call, such as 09:00-19:00"),
    ("best_hours", "text", "of these, the hours in which the customer has answered, such as 17:00-19:00"),
    ("team", "text", "who owns it"),
    ("pool", "text", "whose minutes it takes: the team, or its part with the language and the skill"),
    ("expected_minutes", "number", "agent minutes, with attempts"),
    ("planned_on", "date", "day whose minutes it takes; null where nobody has any"),
    ("due_on", "date", "act by"),
    ("status", "text", "open, or the last outcome"),
    ("listed_since_on", "date", "first night on which it was listed"),
    ("arm", "text", "treatment or holdout"),
    ("arm_probability", "number", "probability with which the arm was drawn"),
    ("segment", "text", "the company's segment"),
    ("region", "text", "where the customer lives"),
    ("model_version", "text", "churn model"),
    ("playbook_version", "text", "hash of the playbook"),
    ("lifecycle_stage", "text", "by `segments.yml`; null before schema version 3, and of who refused profiling"),
    ("value_segment", "text", "by `segments.yml`; null before schema version 3, and of who refused profiling"),
    ("change_reason", "text", "how the risk moved since the night before, and what moved it"),
    ("evidence", "text", "what happened in the last 30 days, the most pressing first, separated by ` | `"),
)  # fmt: skip

OUTREACH_LIST = Table("outreach_list", "customer to contact", ("row_id",), _LIST)

OUTREACH_WITHHELD = Table(
    "outreach_withheld", "customer not to contact, and why", ("row_id",),
    (*_LIST, Column("suppression_reason", "text", "holdout, or the filter that held the row back")),
)  # fmt: skip

VOLUME_FORECAST = Table(
    "volume_forecast", "queue x interval", ("queue", "interval_start_at"),
    _columns(
        ("queue", "text", "queue"),
        ("interval_start_at", "instant", "first instant of the interval"),
        ("local_on", "date", "its day in the site's zone"),
        ("channel", "text", "the queue's channel"),
        ("cutoff_at", "instant", "nothing known later entered"),
        ("lead_days", "integer", "days from the cutoff to the day, 1 is the run date"),
        ("is_open", "boolean", "the queue is served in this interval"),
        ("contacts", "number", "mean number of contacts that arrive"),
        ("contacts_p05", "number", "5 % quantile"),
        ("contacts_p10", "number", "10 % quantile"),
        ("contacts_p25", "number", "25 % quantile"),
        ("contacts_p50", "number", "median"),
        ("contacts_p75", "number", "75 % quantile"),
        ("contacts_p90", "number", "90 % quantile"),
        ("contacts_p95", "number", "95 % quantile"),
        ("handle_time_s", "number", "mean handle time of a contact, seconds"),
        ("method", "text", "what won the backtest: prophet, four_like_weekdays, last_week, last_year, a blend of them, "
         "or kin where the queue is young"),
        ("model_version", "text", "forecasting run on MLflow"),
        ("handle_time_p10_s", "number", "10 % quantile of the mean handle time of the interval's contacts"),
        ("handle_time_p50_s", "number", "its median"),
        ("handle_time_p90_s", "number", "its 90 % quantile"),
        ("model_contacts", "number", "the mean as the model had it; `contacts` is what planners decided"),
        ("override_id", "text", "overrides that made the difference, such as 5 or 5+7; null where none did"),
    ),
)  # fmt: skip

VOLUME_DAYS = Table(
    "volume_days", "scope x day", ("scope", "scope_value", "local_on"),
    _columns(
        ("scope", "text", "queue, channel or all"),
        ("scope_value", "text", "which one; `all` of scope all"),
        ("local_on", "date", "day in the site's zone, up to 52 weeks ahead"),
        ("cutoff_at", "instant", "nothing known later entered"),
        ("lead_days", "integer", "days from the cutoff to the day, 1 is the run date"),
        ("contacts", "number", "mean number of contacts; those of queues add up to those of channels and of all"),
        ("contacts_p05", "number", "5 % quantile; of totals from joint draws of all queues, so these do not add up"),
        ("contacts_p10", "number", "10 % quantile"),
        ("contacts_p25", "number", "25 % quantile"),
        ("contacts_p50", "number", "median"),
        ("contacts_p75", "number", "75 % quantile"),
        ("contacts_p90", "number", "90 % quantile"),
        ("contacts_p95", "number", "95 % quantile"),
        ("basis", "text", "intervals: sum of the day's rows of volume_forecast; daily: beyond them, from the daily "
         "model, its variance growing with the lead and judged by no backtest"),
        ("model_version", "text", "forecasting run on MLflow"),
    ),
)  # fmt: skip

FORECAST_METHODS = Table(
    "forecast_methods", "queue x lead bucket", ("queue", "lead_bucket"),
    _columns(
        ("queue", "text", "queue"),
        ("lead_bucket", "text", "1, 2-3, 4-7, 8-14, 15-28 or 29-56 days ahead"),
        ("method", "text", "what won: prophet, four_like_weekdays, last_week, last_year, or a blend of them"),
        ("weight_prophet", "number", "share of the daily model times the shape of a day"),
        ("weight_four_like_weekdays", "number", "share of the mean of the last four like weekdays"),
        ("weight_last_week", "number", "share of last week's like day"),
        ("weight_last_year", "number", "share of last year's like day, at this year's level"),
        ("wape", "number", "of what is published, on the past cutoffs that chose the weights; null without any"),
        ("wape_prophet", "number", "the same of each candidate alone"),
        ("wape_four_like_weekdays", "number", "the rival's"),
        ("wape_last_week", "number", "last week's"),
        ("wape_last_year", "number", "last year's"),
        ("gain_over_rival", "number", "by which share of the rival's WAPE it is lower on these cutoffs"),
        ("cutoff_count", "integer", "past cutoffs looked at"),
        ("day_count", "integer", "days of them"),
        ("model_version", "text", "forecasting run on MLflow"),
    ),
)  # fmt: skip

STAFFING_REQUIREMENT = Table(
    "staffing_requirement", "queue x interval", ("queue", "interval_start_at"),
    _columns(
        ("queue", "text", "queue"),
        ("interval_start_at", "instant", "first instant of the interval"),
        ("local_on", "date", "its day in the site's zone"),
        ("contacts", "number", "mean contacts planned for, deferred work already spread"),
        ("handle_time_s", "number", "seconds a contact"),
        ("offered_load", "number", "erlangs"),
        ("agents_net", "integer", "agents who must be working, the least that meets the standard"),
        ("agents_gross", "number", "agents to schedule: net over (1 - shrinkage)"),
        ("shrinkage", "number", "share of scheduled time lost"),
        ("model", "text", "erlang_a, erlang_c or deferred"),
        ("service_level", "number", "expected with agents_net; null for deferred work"),
        ("asa_s", "number", "expected mean wait, seconds"),
        ("abandonment", "number", "expected share that gives up"),
        ("occupancy", "number", "expected share of time busy"),
        ("standard", "text", "the standard it is staffed for, in words"),
    ),
)  # fmt: skip

WAIT_EFFECT = Table(
    "wait_effect", "way of estimating", ("approach",),
    _columns(
        ("approach", "text", "crowd (by how many others there happened to be; prices rest on it) or naive (beside it)"),
        ("horizon_days", "integer", "leaving within so many days after the contact"),
        ("effect_per_minute", "number", "change of the chance of leaving by a minute of waiting; null: not to be told"),
        ("effect_low", "number", "95 % interval"),
        ("effect_high", "number", "its upper end"),
        ("first_stage_f", "number", "how well the crowd explains waits; below 10 no price is given"),
        ("contact_count", "integer", "contacts compared"),
        ("customer_count", "integer", "customers who made them"),
        ("leaver_count", "integer", "of these, left within the horizon of one of them"),
        ("customer_value", "money", "what is lost with a caller who leaves, the account's others included; mean over "
         "contacts"),
        ("is_priced", "boolean", "`agent_value` rests on this row"),
        ("sentence", "text", "what it says"),
    ),
)  # fmt: skip

AGENT_VALUE = Table(
    "agent_value", "queue x interval", ("queue", "interval_start_at"),
    _columns(
        ("queue", "text", "queue in which customers wait"),
        ("interval_start_at", "instant", "first instant of the interval"),
        ("local_on", "date", "its day in the site's zone"),
        ("agents_net", "integer", "agents whom the standard asks for"),
        ("wait_minutes", "number", "that all contacts of the interval wait together, with these"),
        ("minutes_saved", "number", "of them by one agent more"),
        ("customers_kept", "number", "by one agent more: minutes_saved x effect of a minute"),
        ("value_of_one_more", "money", "margin kept by one agent more, company currency"),
        ("value_of_one_more_low", "money", "95 % interval"),
        ("value_of_one_more_high", "money", "its upper end"),
        ("loss_of_one_less", "money", "margin lost with one agent less; null where the queue would not settle"),
        ("loss_of_one_less_low", "money", "95 % interval"),
        ("loss_of_one_less_high", "money", "its upper end"),
        ("agent_cost", "money", "of an agent through the interval, lost time included; null where costs do not say"),
        ("agents_worthwhile", "integer", "after so many the next costs more than it keeps; null: no cost is known"),
    ),
)  # fmt: skip

SERVICE_KPIS = Table(
    "service_kpis", "day x queue x channel", ("local_on", "queue", "channel"),
    _columns(
        ("local_on", "date", "day in the site's zone"),
        ("queue", "text", "queue"),
        ("channel", "text", "channel"),
        ("offered_count", "integer", "contacts that arrived"),
        ("handled_count", "integer", "contacts that were served"),
        ("abandoned_count", "integer", "contacts that gave up"),
        ("short_abandoned_count", "integer", "of these, within the short limit: left out of the level"),
        ("answered_in_standard_count", "integer", "answered within the standard"),
        ("service_level", "number", "by the configured formula"),
        ("abandonment_rate", "number", "abandoned / offered"),
        ("asa_s", "number", "mean wait of the handled, seconds"),
        ("handle_time_s", "number", "mean handle time, seconds"),
        ("first_response_s", "number", "mean time to the first response, seconds"),
        ("first_response_in_standard_rate", "number", "share answered within the first-response standard"),
        ("first_contact_resolution_rate", "number", "share settled with no further contact on it, over all channels"),
        ("complaint_count", "integer", "complaints that arrived"),
        ("complaints_in_24h_rate", "number", "share of complaints answered within 24 hours"),
        ("csat", "number", "share of answers of 4 or 5"),
        ("nps", "number", "promoters minus detractors, -1 to 1"),
        ("ces", "number", "mean customer effort score"),
        ("containment_rate", "number", "self-service contacts that needed no agent within the window"),
        ("quality_compliance_rate", "number", "share of reviewed contacts without a broken rule"),
        ("cost_per_contact", "money", "company currency"),
    ),
)  # fmt: skip

FORECAST_ACCURACY = Table(
    "forecast_accuracy", "queue x lead bucket x window", ("queue", "lead_bucket", "window_days"),
    _columns(
        ("queue", "text", "queue, or `all`"),
        ("lead_bucket", "text", "1, 2-3, 4-7, 8-14, 15-28 or 29-56 days"),
        ("window_days", "integer", "scored over this many days up to the cutoff"),
        ("day_count", "integer", "days scored"),
        ("contacts", "number", "contacts that came"),
        ("wape", "number", "sum of absolute interval errors over contacts"),
        ("rival_wape", "number", "the same for the mean of the last four like weekdays"),
        ("noise_floor_wape", "number", "sqrt(2 / (pi x mean)): least possible for Poisson counts"),
        ("bias", "number", "(forecast - actual) / actual"),
        ("pinball", "number", "mean pinball loss of the quantiles"),
        ("coverage_80", "number", "share of intervals between the 10 % and 90 % quantiles"),
        ("source", "text", "ledger: published nights; backtest: where no night is old enough"),
        ("model_wape", "number", "WAPE of the model's own mean, without the planners' overrides"),
    ),
)  # fmt: skip

OUTREACH_EFFECT = Table(
    "outreach_effect", "scope x value x measure x last night counted",
    ("scope", "scope_value", "measure", "matured_until_on"),
    _columns(
        ("scope", "text", "all, segment, action, reason (the trigger, where one listed the customer), lifecycle_stage "
         "or value_segment"),
        ("scope_value", "text", "which one; `all` of scope all"),
        ("measure", "text", "left (share that leaves within the main horizon), margin (currency an account within the "
         "main horizon, after minutes and offers), contacts_14d, handle_minutes_14d (an account, of its own accord)"),
        ("matured_until_on", "date", "last night of first listing whose accounts are counted"),
        ("is_current", "boolean", "the newest; older rows of scope all are its history, one a week"),
        ("treatment_count", "integer", "accounts that were listed"),
        ("holdout_count", "integer", "accounts that would have been, and were left alone at random"),
        ("contaminated_count", "integer", "of the holdout, contacted all the same; they stay in the comparison"),
        ("untouched_count", "integer", "listed, and contacted by nobody; they stay in it too"),
        ("holdout_mean", "number", "mean of the measure where nobody is listed"),
        ("effect", "number", "change of that mean by being listed; null while an arm is too small"),
        ("effect_low", "number", "95 % interval for one night named beforehand; of groups, for all at once"),
        ("effect_high", "number", "its upper end"),
        ("always_low", "number", "95 % interval that holds on every night at once; of groups, for all at once"),
        ("always_high", "number", "its upper end"),
        ("p_value", "number", "of no effect, valid on every night; of groups adjusted by Holm's method"),
        ("is_do_not_disturb", "boolean", "contact is known to drive this group away: always_low of `left` above zero"),
        ("total", "number", "effect over all accounts listed"),
        ("total_low", "number", "the same of effect_low"),
        ("total_high", "number", "the same of effect_high"),
        ("sentence", "text", "what it says"),
    ),
)  # fmt: skip

OUTREACH_POWER = Table(
    "outreach_power", "effect size x way of looking", ("effect_size", "looking"),
    _columns(
        ("effect_size", "number", "change of the share that leaves, either way"),
        ("looking", "text", "fixed_date: once, on a night named beforehand; every_night"),
        ("accounts_needed", "number", "accounts listed or held out to see it four times in five"),
        ("listed_count", "integer", "so many there are"),
        ("newcomers_per_week", "number", "so many come, as in the last four weeks"),
        ("weeks", "number", "until it can be seen, the time to know outcomes included; null: never, at this rate"),
    ),
)  # fmt: skip

OUTREACH_FAIRNESS = Table(
    "outreach_fairness", "scope x value x measure", ("scope", "scope_value", "measure"),
    _columns(
        ("scope", "text", "column whose values are compared (outreach.fairness_groups, fairness_attributes)"),
        ("scope_value", "text", "its value: the group; `unknown` where it is missing"),
        ("measure", "text", "listed (share of the accounts decided on), offered (share of the listed that may be given "
         "something), offer_price (mean price of what is offered, company currency)"),
        ("since_on", "date", "first night counted: with tonight's playbook, at most outreach.fairness_days back"),
        ("night_count", "integer", "nights counted"),
        ("group_count", "integer", "accounts of the group, once for each night they were decided on"),
        ("others_count", "integer", "all others"),
        ("group_mean", "number", "share or mean price of the group, as it is"),
        ("others_mean", "number", "the same of all others"),
        ("difference", "number", "group less others, as it is"),
        ("compared_count", "integer", "of the group, those beside whom others stand in the same stratum: night, "
         "reason, risk band and part of value at risk"),
        ("compared_mean", "number", "mean of these, strata weighted alike for both; null where too few"),
        ("compared_others_mean", "number", "the same of the others"),
        ("ratio", "number", "compared_mean over compared_others_mean"),
        ("adjusted_difference", "number", "compared_mean less compared_others_mean (Mantel and Haenszel)"),
        ("adjusted_low", "number", "95 % interval, widened by Holm's method for all comparisons"),
        ("adjusted_high", "number", "its upper end"),
        ("p_value", "number", "of no difference within strata, adjusted by Holm's method"),
        ("verdict", "text", "too_few, alike, explained (gone within strata), not_shown (may be chance) or unexplained"),
        ("is_flagged", "boolean", "unexplained: beyond outreach.fairness_ratio, and the interval leaves out zero"),
        ("sentence", "text", "what it says"),
    ),
)  # fmt: skip

SAVE_CHANCES = Table(
    "save_chances", "action x segment", ("action", "segment"),
    _columns(
        ("action", "text", "from the playbook"),
        ("segment", "text", "the company's segment; `all`: over all, and for segments without outcomes"),
        ("prior_save_probability", "number", "share of leavers whom the action keeps: the playbook's"),
        ("learned_save_probability", "number", "the same, moved by randomised outcomes; negative where it drives away"),
        ("low", "number", "95 % interval"),
        ("high", "number", "its upper end"),
        ("treatment_count", "integer", "accounts listed with this action at first, whose outcome is known"),
        ("holdout_count", "integer", "accounts that would have been, and were left alone at random"),
        ("source", "text", "playbook (no outcome is known yet) or outcomes"),
    ),
)  # fmt: skip

SAVE_MODELS = Table(
    "save_models", "way to know what an action saves", ("approach",),
    _columns(
        ("approach", "text", "outcomes (a chance for each action and segment) or uplift (a model of each customer)"),
        ("is_used", "boolean", "the list was made by it; outcomes stand in wherever the uplift model says nothing"),
        ("account_count", "integer", "accounts at random that it learned from"),
        ("holdout_count", "integer", "of these, left alone"),
        ("judged_by", "text", "later accounts, or accounts left out; null: not judged"),
        ("judged_count", "integer", "accounts that both were judged on, which neither had learned from"),
        ("policy_value", "money", "worth of the list it would have made of them, for each, mean of several lengths"),
        ("gain", "money", "of the uplift model over outcomes, paired"),
        ("gain_low", "money", "98 % interval: above zero, or the model is not used"),
        ("gain_high", "money", "its upper end"),
        ("qini", "number", "leavers kept for each account judged, above a random order, mean over all lengths"),
        ("model_version", "text", "registered model and version"),
        ("reason", "text", "why it is used, or not"),
    ),
)  # fmt: skip

SEGMENT_SUMMARY = Table(
    "segment_summary", "lifecycle stage x value segment", ("lifecycle_stage", "value_segment"),
    _columns(
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
    _columns(
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
    _columns(
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

GATE_RESULTS = Table(
    "gate_results", "gate x table x column", ("gate",),
    _columns(
        ("gate", "text", "its name: stage.table.rule"),
        ("stage", "text", "batch, features or publication"),
        ("table", "text", "what was looked at"),
        ("column", "text", "the column, where it is about one"),
        ("reason", "text", "why it is there"),
        ("severity", "text", "blocking or warning"),
        ("is_passed", "boolean", "whether it held"),
        ("checked_count", "integer", "rows looked at"),
        ("failed_count", "integer", "rows that broke it"),
        ("observed", "text", "what was found, where it is not rows"),
        ("sample_keys", "text", "some keys that broke it, pseudonymised"),
    ),
)  # fmt: skip

PUBLISHED: dict[str, Table] = {
    table.name: table
    for table in (
        CHURN_SCORES, OUTREACH_LIST, OUTREACH_WITHHELD, VOLUME_FORECAST, VOLUME_DAYS, FORECAST_METHODS,
        STAFFING_REQUIREMENT, SERVICE_KPIS, FORECAST_ACCURACY, FORECAST_CHANGES, FORECAST_LEDGER, OVERRIDE_VALUE,
        WAIT_EFFECT, AGENT_VALUE, OUTREACH_EFFECT, OUTREACH_POWER, OUTREACH_FAIRNESS, SAVE_CHANCES, SAVE_MODELS,
        SEGMENT_SUMMARY, CHURN_CAUSES, SCORE_DRIFT, GATE_RESULTS, SHRINKAGE_CAUSES, *SHIFT_TABLES, OUTREACH_PLACED,
    )
}  # fmt: skip
