{{ config(tags=['training']) }}

-- Whom a score may be about: customers with a subscription in force, or, without subscriptions, those who
-- were active within `dormant_days`.
with dates as (select * from {{ ref('int_as_of_dates') }}),

customers as (
    select dates.as_of_on, versions.*
    from dates
    inner join {{ ref('int_customer_versions') }} as versions on {{ valid_at('versions', 'dates.as_of_at') }}
),

{% if var('churn_rule') == 'inactivity' -%}
members as (
    select
        days.as_of_on,
        versions.customer_id,
        false as is_under_notice
    from dates as days
    inner join {{ ref('int_activity_versions') }} as versions
        on versions.occurred_on < days.as_of_on
        and versions.occurred_on >= {{ days_after('days.as_of_on', '-' ~ var('dormant_days')) }}
    where {{ valid_at('versions', 'days.as_of_at') }} and versions.is_counted
    group by days.as_of_on, versions.customer_id
),
{%- else -%}
subscriptions as (
    select
        dates.as_of_on,
        dates.as_of_at,
        {{ revealed_columns('subscriptions', 'versions', 'dates.as_of_at', 'dates.as_of_on') }}
    from dates
    inner join {{ ref('int_subscription_versions') }} as versions on {{ valid_at('versions', 'dates.as_of_at') }}
),

members as (
    select
        as_of_on,
        customer_id,
        bool_and(notice_given_at is not null) as is_under_notice
    from subscriptions
    where started_at < as_of_at and ended_at is null
    group by as_of_on, customer_id
),
{%- endif %}

profiling as (
    select dates.as_of_on, versions.customer_id, bool_or(versions.status = 'refused') as is_refused
    from dates
    inner join {{ ref('int_consent_versions') }} as versions on {{ valid_at('versions', 'dates.as_of_at') }}
    where versions.purpose = 'profiling'
    group by dates.as_of_on, versions.customer_id
),

contacted as (
    select distinct dates.as_of_on, versions.customer_id
    from dates
    inner join {{ ref('int_outcome_versions') }} as versions on {{ valid_at('versions', 'dates.as_of_at') }}
    where versions.happened_at < dates.as_of_at
        and versions.happened_at >= dates.as_of_at - interval '{{ var("main_horizon") * 24 }} hours'
        and versions.result in ('reached', 'accepted', 'declined', 'callback')
)

select
    members.as_of_on,
    dates.as_of_at,
    members.customer_id,
    coalesce(customers.account_id, members.customer_id) as account_id,
    members.is_under_notice,
    coalesce(not profiling.is_refused, true) as is_profiling_allowed,
    contacted.customer_id is not null as is_contacted_recently,
    customers.signed_up_at,
    customers.segment,
    customers.region,
    customers.language,
    customers.preferred_channel,
    customers.attributes
from members
inner join dates on dates.as_of_on = members.as_of_on
left join customers on customers.as_of_on = members.as_of_on and customers.customer_id = members.customer_id
left join profiling on profiling.as_of_on = members.as_of_on and profiling.customer_id = members.customer_id
left join contacted on contacted.as_of_on = members.as_of_on and contacted.customer_id = members.customer_id
-- Pseudonyms are spread evenly, so those below a text are a share, always the same ones; of whole accounts, since what
-- the others of an account live through is a feature.
{%- set account = bytewise('coalesce(customers.account_id, members.customer_id)') %}
where {{ account ~ " < '" ~ var('sampled_below') ~ "'" if var('sampled_below') else 'true' }}
