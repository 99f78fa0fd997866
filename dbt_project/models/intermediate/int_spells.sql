-- A unit's time with the company, as known at the cutoff: it begins with a first subscription (or activity) and
-- ends when the last one has, unless another begins within the days of grace.
{% if var('churn_rule') == 'inactivity' -%}
with active_days as (
    select distinct customer_id as unit_id, occurred_on
    from {{ ref('int_activity_versions') }} as versions
    where versions.is_counted and {{ valid_at('versions', cutoff_at()) }} and versions.occurred_on < {{ run_date() }}
),

followed as (
    select
        active_days.*,
        lag(occurred_on) over (partition by unit_id order by occurred_on) as occurred_before_on
    from active_days
),

numbered as (
    select
        followed.*,
        cast(sum(case when occurred_on <= {{ days_after('occurred_before_on', var('inactive_days')) }} then 0 else 1 end)
            over (partition by unit_id order by occurred_on) as bigint) as spell_number
    from followed
)

select
    unit_id,
    spell_number,
    {{ day_start('min(occurred_on)') }} as started_at,
    {{ day_start(days_after('max(occurred_on)', var('inactive_days'))) }} as ended_at,
    case when {{ days_after('max(occurred_on)', var('inactive_days')) }} < {{ run_date() }}
        then {{ days_after('max(occurred_on)', var('inactive_days')) }} end as left_on,
    false as is_involuntary
from numbered
group by unit_id, spell_number
{%- else -%}
with periods as (
    select
        {% if var('churn_level') == 'account' -%} coalesce(customers.account_id, subscriptions.customer_id)
        {%- else -%} subscriptions.customer_id {%- endif %} as unit_id,
        subscriptions.subscription_id,
        subscriptions.started_at,
        coalesce(subscriptions.ended_at, {{ never() }}) as ended_at,
        -- the earlier of notice and end: then the decision was taken
        coalesce(least(subscriptions.notice_given_at, subscriptions.ended_at), {{ never() }}) as decided_at,
        case
            when subscriptions.end_reason in ('plan_change', 'transfer') then 'moved'
            when subscriptions.end_reason = 'involuntary'
                and coalesce(subscriptions.notice_given_at >= subscriptions.ended_at, true) then 'involuntary'
            else 'decided'
        end as manner
    from {{ ref('stg_subscriptions') }} as subscriptions
    left join {{ ref('stg_customers') }} as customers on customers.customer_id = subscriptions.customer_id
    where subscriptions.started_at < {{ cutoff_at() }}
),

followed as (
    select
        periods.*,
        max(ended_at) over (
            partition by unit_id order by started_at, ended_at, {{ bytewise('subscription_id') }}
            rows between unbounded preceding and 1 preceding
        ) as ended_before_at
    from periods
),

numbered as (
    select
        followed.*,
        cast(sum(case when started_at <= ended_before_at + interval '{{ var("grace_days") * 24 }} hours' then 0 else 1 end)
            over (partition by unit_id order by started_at, ended_at, {{ bytewise('subscription_id') }}) as bigint) as spell_number
    from followed
),

ranked as (
    select
        numbered.*,
        row_number() over (
            partition by unit_id, spell_number
            order by decided_at desc, ended_at desc, {{ bytewise('subscription_id') }}
        ) as lateness
    from numbered
)

select
    unit_id,
    spell_number,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    max(case when lateness = 1 and decided_at < {{ never() }} and manner <> 'moved'
        then {{ local_day('decided_at') }} end) as left_on,
    coalesce(bool_or(lateness = 1 and manner = 'involuntary'), false) as is_involuntary
from ranked
group by unit_id, spell_number
{%- endif %}
