"""The contract of what a published night says of shifts: who works when, what that covers and gives, whom to hire."""

from features.tables import Table, columns

SHIFT_PLAN = Table(
    "shift_plan", "slot x day", ("slot_id", "local_on"),
    columns(
        ("slot_id", "text", "pseudonym of the agent; `open ...` where nobody of the roster can work the shift, "
         "`slot ...` where there is no roster"),
        ("local_on", "date", "day in the site's zone on which it begins"),
        ("is_assigned", "boolean", "it is somebody's (or there is no roster); only such shifts cover anything"),
        ("site", "text", "where it is worked"),
        ("queue_group", "text", "queues that are served in it: a group of `staffing.yml`, or a queue"),
        ("pattern", "text", "its pattern in `staffing.yml`"),
        ("starts_at", "instant", "first instant"),
        ("ends_at", "instant", "last instant"),
        ("breaks", "text", "local times of its breaks, such as `12:15-12:45 | 15:00-15:15`"),
        ("break_minutes", "text", "the same in minutes after starts_at, such as `255-285 | 420-435`: plain in the hour "
         "that comes twice; null in nights of schema 7 and before"),
        ("paid_hours", "number", "hours paid, without unpaid breaks"),
        ("occupancy", "number", "share of its time on duty that is busy, as simulated; of deferred work as planned"),
    ),
)  # fmt: skip

SHIFT_COVERAGE = Table(
    "shift_coverage", "queue group x interval", ("queue_group", "interval_start_at"),
    columns(
        ("queue_group", "text", "a group of `staffing.yml`, or a queue"),
        ("interval_start_at", "instant", "first instant of the interval"),
        ("local_on", "date", "its day in the site's zone"),
        ("required", "integer", "agents to schedule, shrinkage included, breaks not"),
        ("planned", "number", "agents on duty and not on a break, mean over the interval"),
        ("on_break", "number", "agents on a break, mean over the interval"),
        ("short", "number", "agents missing, mean over the interval"),
        ("remedy", "text", "what would cover it: moved breaks, overtime, callback offers, or people, and how many are "
         "missing after each; null where none are missing"),
    ),
)  # fmt: skip

SHIFT_SERVICE = Table(
    "shift_service", "queue group x day", ("queue_group", "local_on"),
    columns(
        ("queue_group", "text", "a group of `staffing.yml`, or a queue"),
        ("local_on", "date", "day in the site's zone"),
        ("contacts", "number", "mean contacts of the day, live queues only"),
        ("service_level", "number", "share answered in standard as simulated with the planned agents, shrinkage drawn; "
         "null for deferred work"),
        ("service_level_low", "number", "10 % of such days are worse"),
        ("service_level_high", "number", "10 % of such days are better"),
        ("service_level_error", "number", "standard error of the mean: how exact the simulation is"),
        ("standard_probability", "number", "share of such days on which the standard of each queue is met"),
        ("asa_s", "number", "mean wait of those answered, seconds"),
        ("abandonment", "number", "share that gives up"),
        ("occupancy", "number", "share of agents' time on duty that is busy; of deferred work as planned"),
        ("asa_s_low", "number", "10 % of such days have a shorter mean wait"),
        ("asa_s_high", "number", "10 % of such days have a longer mean wait"),
        ("abandonment_low", "number", "on 10 % of such days fewer give up"),
        ("abandonment_high", "number", "on 10 % of such days more give up"),
        ("occupancy_low", "number", "10 % of such days are less busy"),
        ("occupancy_high", "number", "10 % of such days are busier"),
    ),
)  # fmt: skip

CAPACITY_PLAN = Table(
    "capacity_plan", "week x queue group", ("week_on", "queue_group"),
    columns(
        ("week_on", "date", "its Monday"),
        ("queue_group", "text", "a group of `staffing.yml`, or a queue"),
        ("basis", "text", "what the load rests on: requirement, forecast (volume_days) or like_weeks (the last four "
         "of the requirement again)"),
        ("required_hours", "number", "hours of whole agents to schedule, as `required` of shift_coverage"),
        ("heads_required", "number", "full contracts that takes, with what shifts pay beyond the requirement"),
        ("heads_there", "number", "full contracts of the roster, less attrition; who serves several groups is divided "
         "by their need"),
        ("heads_hired", "number", "full contracts of hires of this plan who take contacts, less attrition"),
        ("hires_to_search", "integer", "people whose search has to begin in this week"),
        ("hires_to_start", "integer", "people whose first day, of training, is in this week"),
        ("heads_short", "number", "full contracts missing all the same: too soon for hiring, or a short peak"),
    ),
)  # fmt: skip

USABLE_MINUTES = Table(
    "usable_minutes", "queue group x agents alike x interval",
    ("queue_group", "team", "languages", "skills", "interval_start_at"),
    columns(
        ("queue_group", "text", "a group of `staffing.yml`, or a queue, in whose shifts the agents are"),
        ("team", "text", "their team; empty where there is no roster"),
        ("languages", "text", "what they speak, as the roster has it"),
        ("skills", "text", "what they can serve, as the roster has it"),
        ("interval_start_at", "instant", "first instant of the interval; only hours in which customers may be called"),
        ("local_on", "date", "its day in the site's zone"),
        ("firm_minutes", "number", "agent minutes beyond the requirement in runs at least one contact long, shrinkage "
         "taken off"),
        ("if_quiet_minutes", "number", "agent minutes inside the requirement that outreach may take while more than "
         "idle_agents are idle and the day is answers_ahead, mean of simulated days; null where the day or the group "
         "is not simulated"),
        ("idle_agents", "integer", "fewest who must stay idle in this interval so that the day keeps the standard; "
         "null where no number keeps it"),
        ("answers_ahead", "integer", "if_quiet outreach begins only while so many more contacts of the day were "
         "answered in time than the standard asks for; null with idle_agents, or however many"),
        ("idle_share", "number", "if_quiet minutes of the group's day as a share of its idle minutes in these hours"),
        ("service_level_if_quiet", "number", "of the group's day as simulated with all usable minutes taken"),
    ),
)  # fmt: skip

OUTREACH_PLACED = Table(
    "outreach_placed", "pool x day x tier", ("pool", "planned_on", "tier"),
    columns(
        ("pool", "text", "agents who speak and can do the same"),
        ("planned_on", "date", "day whose minutes they are"),
        ("tier", "text", "firm or if_quiet"),
        ("usable_minutes", "number", "minutes that there are: of the shifts, or of the settings"),
        ("placed_minutes", "number", "of these, what the list takes"),
        ("row_count", "integer", "rows of the list"),
        ("expected_value", "number", "what these rows are worth, company currency"),
        ("next_minutes", "number", "minutes that one agent more would fill with rows that found none; firm, first day"),
        ("next_value", "number", "what these rows bring before the agent's minutes are taken off"),
        ("next_cost", "number", "pay of the agent's day"),
        ("is_worth_an_agent", "boolean", "next_value is more than next_cost"),
        ("sentence", "text", "the same in words"),
        ("lent_by", "text", "teams whose shifts give the minutes, joined by commas; empty: the settings say how many "
         "(outreach.team_minutes, outreach.pools)"),
    ),
)  # fmt: skip

SHIFT_TABLES = (SHIFT_PLAN, SHIFT_COVERAGE, SHIFT_SERVICE, CAPACITY_PLAN, USABLE_MINUTES)
