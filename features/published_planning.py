"""Published tables of the planner's hand: how the forecast moved and why, and the ledger of what was said."""

from features.tables import Table, columns

FORECAST_CHANGES = Table(
    "forecast_changes", "queue x day that both nights forecast", ("queue", "local_on"),
    columns(
        ("queue", "text", "queue"),
        ("local_on", "date", "the day, in the site's zone"),
        ("previous_run_on", "date", "the last published night before this one"),
        ("contacts", "number", "mean contacts of the day, as published tonight"),
        ("previous_contacts", "number", "the same as published then"),
        ("change", "number", "contacts less previous_contacts; the sum of the shares that follow"),
        ("by_data", "number", "what came since, and the level, trend and profile it taught"),
        ("by_model", "number", "other weights of the methods, learned anew or those of a nearer lead; all that is not "
         "explained otherwise where parameters changed"),
        ("by_event", "number", "effect, as learned by tonight, of events that became known or were withdrawn since"),
        ("by_override", "number", "what planners put on top tonight, less what they did then"),
        ("by_outreach", "number", "contacts that outreach causes or avoids tonight, less those of then"),
        ("main_cause", "text", "the largest share: data, model, event, override or outreach; `none`: nothing moved"),
    ),
)  # fmt: skip

FORECAST_LEDGER = Table(
    "forecast_ledger", "queue x day x cutoff x override, as scored on a night",
    ("queue", "local_on", "cutoff_on", "override_id", "scored_on"),
    columns(
        ("queue", "text", "queue"),
        ("local_on", "date", "the day that was forecast"),
        ("cutoff_on", "date", "run date of the published night that forecast it"),
        ("override_id", "text", "overrides that count in these intervals; empty where none does"),
        ("scored_on", "date", "night that scored it. Entries are only ever added: where late rows correct a day, a "
         "later entry says so, and the latest counts"),
        ("lead_days", "integer", "days from cutoff to day, 1 is the run date"),
        ("interval_count", "integer", "intervals that accept contacts"),
        ("contacts", "number", "contacts that came"),
        ("forecast_sum", "number", "contacts that were forecast, as decided"),
        ("model_sum", "number", "the same as the model had them"),
        ("absolute_error", "number", "sum over the intervals of |forecast - came|"),
        ("model_absolute_error", "number", "the same of the model's own mean"),
        ("rival_absolute_error", "number", "the same of the mean of the last four like weekdays"),
        ("noise_floor_error", "number", "the same that is left of Poisson counts whose mean is known"),
        ("pinball_sum", "number", "pinball loss, mean over levels, summed over the intervals"),
        ("covered_count", "integer", "intervals between the 10 % and the 90 % quantile"),
    ),
)  # fmt: skip

OVERRIDE_VALUE = Table(
    "override_value", "override x queue x lead bucket", ("override_id", "queue", "lead_bucket"),
    columns(
        ("override_id", "text", "number of the override; several joined by + where they count together"),
        ("queue", "text", "queue, or `all`"),
        ("lead_bucket", "text", "1, 2-3, 4-7, 8-14, 15-28 or 29-56 days, or `all`"),
        ("day_count", "integer", "days scored"),
        ("night_count", "integer", "published nights in which it stood"),
        ("contacts", "number", "contacts that came in its intervals, once for each night"),
        ("absolute_error", "number", "sum of absolute interval errors with it"),
        ("model_absolute_error", "number", "the same without it"),
        ("error_avoided", "number", "without less with: above 0 it made the forecast better"),
        ("wape", "number", "absolute_error / contacts"),
        ("model_wape", "number", "model_absolute_error / contacts"),
    ),
)  # fmt: skip
