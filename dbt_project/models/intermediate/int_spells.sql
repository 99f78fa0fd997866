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
with held as (
    select
        subscription_id,
        customer_id,
        started_at,
        ended_at,
        notice_given_at,
        end_reason
    from {{ ref('stg_subscriptions') }}
    where started_at < {{ cutoff_at() }}
    union all
    -- A subscription that went over to another customer is as good as ended for the one who had it, who has not left.
    select
        versions.subscription_id,
        versions.customer_id,
        min(versions.started_at) as started_at,
        max(versions.valid_to) as ended_at,
        null as notice_given_at,
        'transfer' as end_reason
    from {{ ref('int_subscription_versions') }} as versions
    inner join {{ ref('stg_subscriptions') }} as subscriptions
        on subscriptions.subscription_id = versions.subscription_id and subscriptions.customer_id <> versions.customer_id
    where versions.valid_from < {{ cutoff_at() }} and versions.started_at < {{ cutoff_at() }}
    group by versions.subscription_id, versions.customer_id
),

periods as (
    select
        {% if var('churn_level') == 'account' -%} coalesce(customers.account_id, held.customer_id)
        {%- else -%} held.customer_id {%- endif %} as unit_id,
        held.subscription_id,
        held.started_at,
        coalesce(held.ended_at, {{ never() }}) as ended_at,
        -- the earlier of notice and end: then the decision was taken
        coalesce(least(held.notice_given_at, held.ended_at), {{ never() }}) as decided_at,
        case
            when held.end_reason in ('plan_change', 'transfer') then 'moved'
            when held.end_reason = 'involuntary'
                and coalesce(held.notice_given_at >= held.ended_at, true) then 'involuntary'
            else 'decided'
        end as manner
    from held
    left join {{ ref('stg_customers') }} as customers on customers.customer_id = held.customer_id
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
