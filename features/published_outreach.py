"""Published tables of outreach: the list, who is withheld, what it does, whether it is fair, what saves."""

from features.tables import Column, Table, columns

_LIST = columns(
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
    ("reason", "text", "the playbook's reason that the action answers to, of a trigger the one that pushes the risk "
     "most; null before schema version 2"),
    ("is_overdue", "boolean", "the trigger's deadline has passed: it ranks by value, like the rest"),
    ("monthly_margin", "money", "margin a month that would be lost, as assumed for the value at risk: of the whole "
     "account where accounts leave as a whole (churn.level)"),
    ("monthly_retention", "number", "share of customers, once saved, who stay another month"),
    ("value_at_risk", "money", "discounted margin over the customer's remaining life, capped"),
    ("addressed_share", "number", "share of the risk that goes with what the action answers to; 1 where nothing says "
     "how much; null before schema version 5"),
    ("fresh_share", "number", "share of the effect that is not an earlier contact's already: days since it over the "
     "main horizon, at most 1; null before schema version 5"),
    ("prior_save_probability", "number", "share of those who leave for these reasons whom this action keeps: the "
     "playbook's; before schema version 5 of all leavers"),
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
    ("expected_minutes", "number", "agent minutes, with attempts; learned from recorded minutes (save_chances)"),
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
    ("idle_hours", "text", "the site's hours of planned_on in which agents of its pool have minutes for its tier, by "
     "usable_minutes; null where the settings say how many there are"),
)  # fmt: skip

OUTREACH_LIST = Table("outreach_list", "customer to contact", ("row_id",), _LIST)

OUTREACH_WITHHELD = Table(
    "outreach_withheld", "customer not to contact, and why", ("row_id",),
    (*_LIST, Column("suppression_reason", "text", "holdout, or the filter that held the row back")),
)  # fmt: skip

OUTREACH_EFFECT = Table(
    "outreach_effect", "scope x value x measure x last night counted",
    ("scope", "scope_value", "measure", "matured_until_on"),
    columns(
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
    columns(
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
    columns(
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
    columns(
        ("action", "text", "from the playbook"),
        ("segment", "text", "the company's segment; `all`: over all, and for segments without outcomes"),
        ("prior_save_probability", "number", "share of those who leave for what the action answers to whom it keeps: "
         "the playbook's"),
        ("learned_save_probability", "number", "the same, moved by randomised outcomes; negative where it drives away"),
        ("low", "number", "95 % interval"),
        ("high", "number", "its upper end"),
        ("treatment_count", "integer", "accounts listed with this action at first, whose outcome is known"),
        ("holdout_count", "integer", "accounts that would have been, and were left alone at random"),
        ("source", "text", "playbook (no outcome is known yet) or outcomes"),
        ("expected_minutes", "number", "agent minutes a row of the action takes, with attempts: the playbook's, moved "
         "by what worked rows took; of the action in all segments"),
        ("worked_row_count", "integer", "rows of the action that were worked within a year, their minutes recorded"),
    ),
)  # fmt: skip

SAVE_MODELS = Table(
    "save_models", "way to know what an action saves", ("approach",),
    columns(
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
