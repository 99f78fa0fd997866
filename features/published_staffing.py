"""Published tables of the requirement: agents by interval, what it rests on, and the price of a missing one."""

from features.tables import Table, columns

STAFFING_REQUIREMENT = Table(
    "staffing_requirement", "queue x interval", ("queue", "interval_start_at"),
    columns(
        ("queue", "text", "queue"),
        ("interval_start_at", "instant", "first instant of the interval"),
        ("local_on", "date", "its day in the site's zone"),
        ("contacts", "number", "mean contacts planned for, deferred work already spread"),
        ("handle_time_s", "number", "seconds a contact; of a chat while its agent holds as many as the standard allows "
         "(handle_time_by_concurrency)"),
        ("offered_load", "number", "erlangs"),
        ("agents_net", "integer", "agents who must be working, the least that meets the standard; in a group its part "
         "of those who serve the group"),
        ("agents_gross", "number", "agents to schedule: net over (1 - shrinkage); of deferred work whole agents, "
         "enough over the time that it may wait"),
        ("shrinkage", "number", "share of scheduled time lost"),
        ("model", "text", "erlang_a, erlang_c, deferred; of a group, corrected by simulation: pooled (live queues "
         "share agents) or blended (written work is done in their idle minutes)"),
        ("service_level", "number", "expected with agents_net; null for deferred work"),
        ("asa_s", "number", "expected mean wait, seconds"),
        ("abandonment", "number", "expected share that gives up"),
        ("occupancy", "number", "expected share of time busy; null for blended work"),
        ("standard", "text", "the standard it is staffed for, in words"),
        ("queue_group", "text", "who serves it: of staffing.yml, or the queue itself"),
        ("agents_alone", "integer", "the least if the queue had people of its own"),
    ),
)  # fmt: skip

HANDLE_TIME_BY_CONCURRENCY = Table(
    "handle_time_by_concurrency", "queue x contacts held at once", ("queue", "concurrency"),
    columns(
        ("queue", "text", "queue whose agents may hold several contacts at once"),
        ("concurrency", "integer", "contacts that the agent holds, this one included"),
        ("is_standard", "boolean", "as many as the standard lets an agent hold: staffed for with this row"),
        ("contact_count", "integer", "contacts of the last 56 days that ended while so many were held; below 30 the "
         "row is drawn on from the others"),
        ("measured_handle_time_s", "number", "seconds of contacts while so many were held over contact_count; null "
         "without any"),
        ("handle_time_low_s", "number", "95 % interval of what was measured"),
        ("handle_time_high_s", "number", "its upper end"),
        ("handle_time_s", "number", "seconds a contact takes while its agent holds so many: as measured, without what "
         "chance alone explains, never falling with concurrency"),
        ("handle_time_ratio", "number", "handle_time_s over the mean of all these contacts; the forecast's handle time "
         "times this is staffed for"),
        ("contacts_per_agent_hour", "number", "that an agent who always holds so many finishes"),
    ),
)  # fmt: skip

WAIT_EFFECT = Table(
    "wait_effect", "way of estimating", ("approach",),
    columns(
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
    columns(
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

SHRINKAGE_CAUSES = Table(
    "shrinkage_causes", "cause", ("cause",),
    columns(
        ("cause", "text", "activity of `agent_time` that is neither work nor a break; `all` where none is told"),
        ("share", "number", "share of paid time, breaks left out, that it takes; together the night's shrinkage"),
        ("basis", "text", "what it rests on: agent_time of so many days, or the settings and why"),
    ),
)  # fmt: skip
