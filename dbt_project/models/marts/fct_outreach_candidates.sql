{%- set complaint_s = var('standards')['complaint_response_s'] %}

with population as (
    select * from {{ ref('int_population') }} where as_of_on = {{ run_date() }}
),

customers as (select * from {{ ref('stg_customers') }}),

-- Of each purpose the latest word on a channel, said of it or of any. Marketing asks for a yes; what a contract
-- asks for (an answer, a payment) only for no no.
consents as (
    select
        channels.channel,
        consents.customer_id,
        consents.purpose,
        consents.status,
        row_number() over (
            partition by channels.channel, consents.customer_id, consents.purpose
            order by consents.changed_at desc, consents.status desc
        ) as recency
    from (select 'phone' as channel union all select 'email' union all select 'chat') as channels
    inner join {{ ref('stg_consents') }} as consents on consents.channel in (channels.channel, 'any')
    where consents.purpose in ('marketing', 'service')
),

allowed as (
    select
        customer_id,
        {%- for channel in ['phone', 'email', 'chat'] %}
        coalesce(bool_or(status = 'granted') filter (where channel = '{{ channel }}' and purpose = 'marketing'), false)
            as can_{{ channel }}_marketing,
        coalesce(bool_and(status = 'granted') filter (where channel = '{{ channel }}' and purpose = 'service'), true)
            as can_{{ channel }}_service{{ ',' if not loop.last }}
        {%- endfor %}
    from consents
    where recency = 1
    group by customer_id
),

outcomes as (
    select
        customer_id,
        happened_at,
        result
    from {{ ref('stg_outreach_outcomes') }}
    where happened_at < {{ cutoff_at() }}
),

outreach as (
    select
        customer_id,
        bool_or(result = 'do_not_contact') as has_do_not_contact,
        -- Nobody was spoken to in a try, or when a time was agreed on: going on is no second contact.
        max(happened_at) filter (where result not in ('not_reached', 'callback')) as last_reached_at
    from outcomes
    group by customer_id
),

contacts as (select * from {{ ref('int_recent_contacts') }} where customer_id is not null),

pressing as (
    select
        customer_id,
        bool_or(stage = 'complaint' and not is_settled) as has_open_complaint,
        -- How long the one waits that has had no answer; where all had theirs, how long the oldest is open.
        {{ int_div("coalesce(max(age_s) filter (where stage = 'complaint' and not is_settled and is_waiting and age_s >= "
                   ~ complaint_s ~ " and days_ago <= 30), max(age_s) filter (where stage = 'complaint' and not is_settled))", 3600) }}
            as open_complaint_h,
        bool_or(stage = 'complaint' and not is_settled and is_waiting and age_s >= {{ complaint_s }} and days_ago <= 30)
            as is_complaint_unanswered_24h,
        coalesce(
            bool_or(not has_given_up and coalesce(response_s, case when is_waiting then age_s end) > response_standard_s and days_ago <= 7),
            false)
            as is_first_response_late,
        {{ int_div("min(age_s) filter (where stage = 'complaint' and not is_settled and is_waiting and age_s >= " ~ complaint_s
                   ~ " and days_ago <= 30) - " ~ complaint_s, 86400) }} as complaint_unanswered_days,
        {{ int_div("min(age_s - response_standard_s) filter (where not has_given_up and coalesce(response_s, case when is_waiting then age_s end) "
                   ~ "> response_standard_s and days_ago <= 7)", 86400) }} as first_response_late_days
    from contacts
    where is_inbound
    group by customer_id
),

topics as (
    select
        customer_id,
        topic,
        min(days_ago) - 1 as repeated_topic_days,
        row_number() over (partition by customer_id order by count(*) desc, {{ bytewise('topic') }}) as frequency_rank
    from contacts
    where is_inbound and days_ago <= 7 and topic is not null
    group by customer_id, topic
    having count(*) >= 3
),

displeased as (
    select
        customer_id,
        cast(min(score) as bigint) as low_csat_7d,
        min({{ days_between('answered_on', run_date()) }}) - 1 as low_csat_days
    from {{ ref('int_survey_versions') }} as versions
    where kind = 'csat'
        and score <= 2
        and answered_on >= {{ days_after(run_date(), -7) }}
        and answered_on < {{ run_date() }}
        and {{ valid_at('versions', cutoff_at()) }}
    group by customer_id
),

notices as (
    select customer_id, {{ days_between(local_day('max(notice_given_at)'), run_date()) }} - 1 as notice_given_days
    from {{ ref('stg_subscriptions') }}
    where ended_at is null and notice_given_at is not null
    group by customer_id
),

-- A failure is known when its invoice says so, which may be days after it was due.
failures as (
    select
        customer_id,
        min({{ days_between('greatest(due_on, ' ~ local_day('valid_from') ~ ')', run_date()) }}) - 1 as payment_failed_days
    from {{ ref('int_payment_versions') }} as versions
    where status = 'failed'
        and due_on >= {{ days_after(run_date(), -30) }}
        and due_on < {{ run_date() }}
        and {{ valid_at('versions', cutoff_at()) }}
    group by customer_id
),

-- Several contacts on one day are one: the same call may stand in two systems.
reached_days as (
    select customer_id, started_on as reached_on from contacts
    where not is_inbound and (channel <> 'phone' or answered_at < {{ cutoff_at() }})
    union
    select customer_id, {{ local_day('happened_at') }} as reached_on from outcomes
    where result in ('reached', 'accepted', 'declined', 'callback', 'do_not_contact')
),

reached as (
    select
        customer_id,
        {%- for days in [7, 30, 90] %}
        {{ number_of('reached_on >= ' ~ days_after(run_date(), -days)) }} as reached_day_count_{{ days }}d{{ ',' if not loop.last }}
        {%- endfor %}
    from reached_days
    group by customer_id
),

hours as (
    select customer_id, cast(extract(hour from answered_at at time zone '{{ var("time_zone") }}') as integer) as hour
    from contacts
    where not is_inbound and channel = 'phone' and answered_at < {{ cutoff_at() }}
    union
    select customer_id, cast(extract(hour from happened_at at time zone '{{ var("time_zone") }}') as integer) as hour
    from {{ ref('stg_outreach_outcomes') }}
    where channel = 'phone' and result in ('reached', 'accepted', 'declined', 'callback') and happened_at < {{ cutoff_at() }}
),

answering as (
    select customer_id, string_agg(cast(hour as varchar), ',' order by hour) as answered_hours
    from hours
    group by customer_id
)

select
    population.customer_id,
    population.account_id,
    population.segment,
    population.region,
    population.language,
    customers.time_zone,
    population.preferred_channel,
    coalesce(customers.is_minor, false) as is_minor,
    coalesce(customers.is_protected, false) as is_protected,
    population.is_under_notice,
    population.is_profiling_allowed,
    subscriptions.monthly_value,
    subscriptions.monthly_margin,
    {{ days_between(local_day('coalesce(population.signed_up_at, subscriptions.first_started_at)'), 'population.as_of_on') }} as tenure_days,
    subscriptions.days_to_renewal,
    {%- for channel in ['phone', 'email', 'chat'] %}
    case when exists (select 1 from {{ ref('stg_consents') }}) then coalesce(allowed.can_{{ channel }}_marketing, false) end
        as can_{{ channel }}_marketing,
    coalesce(allowed.can_{{ channel }}_service, true) as can_{{ channel }}_service,
    {%- endfor %}
    coalesce(outreach.has_do_not_contact, false) as has_do_not_contact,
    outreach.last_reached_at,
    {{ local_day('outreach.last_reached_at') }} as last_reached_on,
    coalesce(pressing.has_open_complaint, false) as has_open_complaint,
    pressing.open_complaint_h,
    coalesce(pressing.is_complaint_unanswered_24h, false) as is_complaint_unanswered_24h,
    coalesce(pressing.is_first_response_late, false) as is_first_response_late,
    displeased.low_csat_7d,
    topics.topic as repeat_topic_7d,
    coalesce(payments.failed_payment_count_30d, 0) as failed_payment_count_30d,
    pressing.complaint_unanswered_days,
    pressing.first_response_late_days,
    case when population.is_under_notice then greatest(notices.notice_given_days, 0) end as notice_given_days,
    displeased.low_csat_days,
    topics.repeated_topic_days,
    failures.payment_failed_days,
    {%- for days in [7, 30, 90] %}
    coalesce(reached.reached_day_count_{{ days }}d, 0) as reached_day_count_{{ days }}d,
    {%- endfor %}
    answering.answered_hours
from population
left join customers on customers.customer_id = population.customer_id
left join {{ ref('int_subscription_features') }} as subscriptions
    on subscriptions.as_of_on = population.as_of_on and subscriptions.customer_id = population.customer_id
left join {{ ref('int_payment_features') }} as payments
    on payments.as_of_on = population.as_of_on and payments.customer_id = population.customer_id
left join allowed on allowed.customer_id = population.customer_id
left join outreach on outreach.customer_id = population.customer_id
left join pressing on pressing.customer_id = population.customer_id
left join topics on topics.customer_id = population.customer_id and topics.frequency_rank = 1
left join displeased on displeased.customer_id = population.customer_id
left join answering on answering.customer_id = population.customer_id
left join notices on notices.customer_id = population.customer_id
left join failures on failures.customer_id = population.customer_id
left join reached on reached.customer_id = population.customer_id
