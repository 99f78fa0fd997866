-- Months from the first customer's to the run date's; the running month up to the cutoff.
with spells as (select * from {{ ref('int_customer_spells') }}),

months as (
    select
        month_on,
        cast(month_on + interval '1 month' as date) as next_on,
        {{ day_start('month_on') }} as month_at,
        least({{ day_start('month_on + interval \'1 month\'') }}, {{ cutoff_at() }}) as until_at
    from (
        select cast(first_on + cast(months.number as integer) * interval '1 month' as date) as month_on
        from (select cast(date_trunc('month', min(started_on)) as date) as first_on from spells) as beginning
        cross join generate_series(0, 1200) as months (number)
    ) as every_month
    where month_on < {{ run_date() }}
),

states as (
    select
        months.month_on,
        spells.customer_id,
        bool_or(spells.started_on < months.month_on and spells.gone_on >= months.month_on) as is_present,
        bool_or(spells.started_on >= months.month_on) as has_joined,
        bool_or(spells.left_on < months.next_on and spells.left_on >= months.month_on) as has_left,
        cast(count(*) filter (where spells.left_on < months.next_on and spells.left_on >= months.month_on) as bigint) as leave_count
    from months
    inner join spells on spells.started_on < months.next_on and spells.gone_on >= months.month_on
    group by months.month_on, spells.customer_id
),

worth as (
    {% if var('churn_rule') == 'inactivity' -%}
    select
        cast(date_trunc('month', versions.occurred_on) as date) as month_on,
        versions.customer_id,
        {{ total_money('versions.value') }} as monthly_value,
        {{ total_money('versions.value') }} as monthly_margin
    from {{ ref('int_activity_versions') }} as versions
    where {{ valid_at('versions', cutoff_at()) }} and versions.occurred_on < {{ run_date() }}
    group by cast(date_trunc('month', versions.occurred_on) as date), versions.customer_id
    {%- else -%}
    select
        months.month_on,
        subscriptions.customer_id,
        {{ total_money('subscriptions.monthly_value') }} as monthly_value,
        {{ total_money('coalesce(subscriptions.margin, subscriptions.monthly_value)') }} as monthly_margin
    from months
    inner join {{ ref('stg_subscriptions') }} as subscriptions
        on subscriptions.started_at < months.until_at
        and coalesce(subscriptions.ended_at, {{ never() }}) > months.month_at
    group by months.month_on, subscriptions.customer_id
    {%- endif %}
),

segments as (
    select months.month_on, versions.customer_id, versions.segment
    from months
    inner join {{ ref('int_customer_versions') }} as versions on {{ valid_at('versions', 'months.until_at') }}
),

summed as (
    select
        states.month_on,
        coalesce(segments.segment, 'none') as segment,
        {{ number_of('states.is_present') }} as customer_count,
        {{ number_of('states.has_joined') }} as joined_count,
        cast(sum(states.leave_count) as bigint) as left_count,
        {{ number_of('states.is_present and states.has_left') }} as lost_count,
        {{ total_money('worth.monthly_value') }} as monthly_value,
        {{ total_money('worth.monthly_margin') }} as monthly_margin,
        coalesce(sum(costs.cost_sixtieths), 0) as cost_sixtieths
    from states
    left join segments on segments.month_on = states.month_on and segments.customer_id = states.customer_id
    left join worth on worth.month_on = states.month_on and worth.customer_id = states.customer_id
    left join {{ ref('int_service_costs') }} as costs
        on costs.month_on = states.month_on and costs.customer_id = states.customer_id
    group by states.month_on, coalesce(segments.segment, 'none')
)

select
    month_on,
    segment,
    customer_count,
    joined_count,
    left_count,
    1 - {{ ratio('lost_count', 'customer_count') }} as retention_rate,
    monthly_value,
    monthly_margin,
    -- margin of a customer of that month over the months that customers stay at its rate of leaving
    cast({{ money_per('monthly_margin', 'customer_count + joined_count') }}
        * least({{ var('life_cap_months') }}, coalesce({{ int_div('customer_count', 'nullif(lost_count, 0)') }}, {{ var('life_cap_months') }}))
        as decimal(18, 4)) as lifetime_value,
    {{ money_per('cost_sixtieths', '60') }} as service_cost,
    {{ ratio('monthly_margin * 60', 'cost_sixtieths') }} as service_return
from summed
