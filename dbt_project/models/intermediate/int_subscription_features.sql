{{ config(tags=['training']) }}

with subscriptions as (
    select
        dates.as_of_on,
        dates.as_of_at,
        {{ revealed_columns('subscriptions', 'versions', 'dates.as_of_at', 'dates.as_of_on') }}
    from {{ ref('int_as_of_dates') }} as dates
    inner join {{ ref('int_subscription_versions') }} as versions on {{ valid_at('versions', 'dates.as_of_at') }}
),

begun as (
    select
        subscriptions.*,
        ended_at is null as is_running,
        row_number() over (
            partition by as_of_on, customer_id, ended_at is null
            order by monthly_value desc nulls last, started_at desc, {{ bytewise('subscription_id') }}
        ) as size_rank
    from subscriptions
    where started_at < as_of_at
),

-- On the cycle of renewals: a source that holds only its present state has moved a stayer's date on, a leaver's not.
renewing as (
    select
        begun.*,
        {{ days_between('as_of_on', next_on_cycle(local_day('renews_at'), 'term_months', 'as_of_on')) }} as days_to_renewal,
        case when renews_at is not null then coalesce(term_months, 12) end as cycle_months
    from begun
),

ranked as (
    select
        renewing.*,
        row_number() over (
            partition by as_of_on, customer_id, is_running
            order by days_to_renewal nulls last, cycle_months, {{ bytewise('subscription_id') }}
        ) as renewal_rank
    from renewing
)

select
    as_of_on,
    customer_id,
    {{ number_of('is_running') }} as subscription_count,
    max(case when is_running and size_rank = 1 then plan end) as plan,
    {{ total_money('monthly_value', 'is_running') }} as monthly_value,
    -- a margin that nobody tells is no margin of nothing: the playbook's share stands in for it
    case when {{ number_of('is_running and margin is null') }} = 0 then {{ total_money('margin', 'is_running') }} end as monthly_margin,
    min(started_at) as first_started_at,
    min(case when is_running then days_to_renewal end) as days_to_renewal,
    -- of the one that renews first
    cast(max(case when is_running and renewal_rank = 1 then cycle_months end) as bigint) as term_months,
    max(case when is_running and renewal_rank = 1 and days_to_renewal is not null
        then least(1, {{ ratio('days_to_renewal', 'cycle_months * 365.25 / 12') }}) end) as term_left_share,
    max(case when is_running then {{ days_between(local_day('started_at'), 'as_of_on') }} end) as subscription_age_days,
    {{ number_of("ended_at >= as_of_at - interval '8760 hours'") }} as ended_subscription_count_365d,
    {{ number_of("end_reason = 'plan_change' and ended_at >= as_of_at - interval '8760 hours'") }} as plan_change_count_365d,
    cast(min(case when end_reason = 'plan_change' then {{ days_between(local_day('ended_at'), 'as_of_on') }} end) as bigint)
        as days_since_plan_change
from ranked
group by as_of_on, customer_id
