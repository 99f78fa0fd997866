"""Published tables of contact volume: intervals, days of a year, what won, and how good it was."""

from features.tables import Table, columns

VOLUME_FORECAST = Table(
    "volume_forecast", "queue x interval", ("queue", "interval_start_at"),
    columns(
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
        ("model_contacts", "number", "the mean before the planners' hand, outreach_contacts in it; `contacts` is what "
         "they decided"),
        ("override_id", "text", "overrides that made the difference, such as 5 or 5+7; null where none did"),
        ("outreach_contacts", "number", "of model_contacts those that outreach causes (below 0: avoids) beyond those "
         "that the last four weeks held already; 0 until the holdout shows a change"),
    ),
)  # fmt: skip

VOLUME_DAYS = Table(
    "volume_days", "scope x day", ("scope", "scope_value", "local_on"),
    columns(
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
        ("basis", "text", "intervals: sum of the day's rows of volume_forecast; daily: beyond them, the same "
         "methods weighed as at the longest leads, the variance growing with the lead and judged by no night"),
        ("model_version", "text", "forecasting run on MLflow"),
    ),
)  # fmt: skip

FORECAST_METHODS = Table(
    "forecast_methods", "queue x lead bucket", ("queue", "lead_bucket"),
    columns(
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

MARK_EFFECTS = Table(
    "mark_effects", "queue x mark", ("queue", "mark"),
    columns(
        ("queue", "text", "queue"),
        ("mark", "text", "a holiday, a day beside one, an end of a month or of the year, an event, or a day after one"),
        ("description", "text", "the same in words"),
        ("effect", "number", "what it does, as a part of a day without marks: -0.4 takes four contacts of ten away"),
        ("days_seen", "integer", "days of the queue's own that it is learned from; the rest is what other queues saw"),
        ("next_on", "date", "first such day from tonight on, as far as days are forecast; null where none is known"),
        ("model_version", "text", "forecasting run on MLflow"),
    ),
)  # fmt: skip

FORECAST_ACCURACY = Table(
    "forecast_accuracy", "queue x lead bucket x window", ("queue", "lead_bucket", "window_days"),
    columns(
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
        ("coverage_80_low", "number", "lower end of its 95 % interval, days being the sample; null for a single day"),
        ("coverage_80_high", "number", "upper end"),
        ("source", "text", "ledger: published nights; backtest: where no night is old enough"),
        ("model_wape", "number", "WAPE of the model's own mean, without the planners' overrides"),
    ),
)  # fmt: skip
