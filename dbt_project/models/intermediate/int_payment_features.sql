{{ config(tags=['training']) }}

with invoices as (
    select
        days.as_of_on,
        days.days_ago,
        days.fading_thousandths,
        versions.customer_id,
        versions.amount,
        versions.due_on,
        {{ revealed('payments', 'paid_on', 'versions', 'days.as_of_at', 'days.as_of_on') }} as paid_on,
        {{ revealed('payments', 'status', 'versions', 'days.as_of_at', 'days.as_of_on') }} as status
    from {{ ref('int_as_of_days') }} as days
    inner join {{ ref('int_payment_versions') }} as versions on versions.due_on = days.day_on
    where {{ valid_at('versions', 'days.as_of_at') }} and {{ is_sampled('versions.customer_id') }}
),

settled as (
    select
        invoices.*,
        coalesce(status, '') = 'failed' as has_failed,
        {{ days_between('due_on', 'coalesce(paid_on, as_of_on)') }} as days_late
    from invoices
    where coalesce(status, '') <> 'refunded'
),

-- What was billed is what the price was then: an invoice keeps its amount, a subscription only its latest price.
ranked as (
    select
        settled.*,
        row_number() over (partition by as_of_on, customer_id order by due_on desc, amount desc nulls last) as recency,
        row_number() over (partition by as_of_on, customer_id order by due_on, amount nulls last) as age
    from settled
),

-- Several invoices of one day are one bill; a bill that says no amount is none.
bills as (
    select as_of_on, customer_id, days_ago, sum(amount) as amount
    from settled
    group by as_of_on, customer_id, days_ago
    having sum(amount) is not null
),

steps as (
    select
        bills.*,
        lag(amount) over (partition by as_of_on, customer_id order by days_ago desc) as amount_before
    from bills
),

raised as (
    select
        steps.*,
        row_number() over (partition by as_of_on, customer_id order by days_ago) as recency
    from steps
    where amount > amount_before
),

rises as (
    select
        as_of_on,
        customer_id,
        cast(min(days_ago) as bigint) as days_since_billed_rise,
        max(case when recency = 1 then {{ ratio('amount', 'amount_before') }} end) as billed_rise_ratio_365d
    from raised
    group by as_of_on, customer_id
),

aggregated as (
    select
        as_of_on,
        customer_id,
        {%- for days in (90, 365) %}
        {{ number_of('days_ago <= ' ~ days) }} as invoice_count_{{ days }}d,
        {{ number_of('days_late > 0 and days_ago <= ' ~ days) }} as late_payment_count_{{ days }}d,
        {%- endfor %}
        {{ number_of('has_failed and days_ago <= 30') }} as failed_payment_count_30d,
        {{ number_of('has_failed and days_ago <= 90') }} as failed_payment_count_90d,
        {{ number_of('paid_on is null') }} as unpaid_count_365d,
        {{ total_money('amount', 'paid_on is null') }} as unpaid_amount_365d,
        {{ mean('greatest(days_late, 0)') }} as days_late_mean_365d,
        max(case when recency = 1 then amount end) as billed_amount_last_365d,
        cast(max(case when recency = 1 then amount end) - max(case when age = 1 then amount end) as decimal(18, 4))
            as billed_amount_change_365d,
        cast(min(days_ago) filter (where days_late > 0) as bigint) as days_since_late_payment,
        {{ ratio('sum(greatest(days_late, 0) * fading_thousandths)', '1000') }} as days_late_faded_365d
    from ranked
    group by as_of_on, customer_id
)

select
    aggregated.*,
    rises.days_since_billed_rise,
    rises.billed_rise_ratio_365d
from aggregated
left join rises on rises.as_of_on = aggregated.as_of_on and rises.customer_id = aggregated.customer_id
