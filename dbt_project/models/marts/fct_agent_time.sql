-- Spells of agents' time as known at the cutoff, cut at local midnight.
with spells as (
    select
        coalesce(agents.team, 'none') as team,
        times.agent_id,
        times.activity,
        times.is_planned,
        times.starts_at,
        times.ends_at,
        {{ local_day('times.starts_at') }} as first_on,
        {{ days_between(local_day('times.starts_at'), local_day("times.ends_at - interval '1 microsecond'")) }} as further_days
    from {{ ref('int_agent_time_versions') }} as times
    left join {{ ref('stg_agents') }} as agents on agents.agent_id = times.agent_id
    where {{ valid_at('times', cutoff_at()) }} and times.ends_at > times.starts_at
),

parts as (
    select
        spells.*,
        {{ days_after('spells.first_on', 'further.days') }} as local_on
    from spells
    inner join generate_series(0, 366) as further (days) on further.days <= spells.further_days
)

select
    local_on,
    team,
    activity,
    is_planned,
    cast(count(distinct agent_id) as bigint) as agent_count,
    {{ total(seconds_between('greatest(starts_at, ' ~ day_start('local_on') ~ ')',
                             'least(ends_at, ' ~ day_start(days_after('local_on', 1)) ~ ')')) }} as agent_s
from parts
group by local_on, team, activity, is_planned
