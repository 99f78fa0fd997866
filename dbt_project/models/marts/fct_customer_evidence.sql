{%- set complaint_s = var('standards')['complaint_response_s'] %}

-- What an agent may be told of a customer's last 30 days: counts, topics and hours, never a word that was said.
with inbound as (
    select * from {{ ref('int_recent_contacts') }} where customer_id is not null and is_inbound
),

contacts as (select * from inbound where days_ago <= 30),

population as (select customer_id from {{ ref('int_population') }} where as_of_on = {{ run_date() }}),

problems as (
    select
        customer_id,
        topic,
        {{ number_of('days_ago <= 7') }} as contact_count_7d,
        {{ number_of('true') }} as contact_count_30d,
        cast(min(days_ago) as bigint) as last_contact_days,
        max(started_at) as last_started_at
    from contacts
    where topic is not null
    group by customer_id, topic
),

-- The problem that most contacts of the last days are about.
main_problems as (
    select * from (
        select
            problems.*,
            row_number() over (
                partition by customer_id
                order by contact_count_7d desc, contact_count_30d desc, last_started_at desc, {{ bytewise('topic') }}
            ) as place
        from problems
    ) as ranked
    where place = 1
),

-- The last contact about it: is anybody still waiting for an answer?
last_contacts as (
    select * from (
        select
            contacts.customer_id,
            contacts.topic,
            contacts.product,
            contacts.has_given_up,
            case when contacts.is_waiting and not contacts.has_given_up and contacts.channel <> 'self_service'
                then {{ int_div('contacts.age_s', 3600) }} end as unanswered_h,
            row_number() over (
                partition by contacts.customer_id, contacts.topic
                order by contacts.started_at desc, {{ bytewise('contacts.interaction_id') }} desc
            ) as place
        from contacts
        where contacts.topic is not null
    ) as ranked
    where place = 1
),

-- The open one that has waited too long for an answer; where there is none, the oldest.
complaints as (
    select * from (
        select
            customer_id,
            topic,
            is_waiting,
            {{ int_div('age_s', 3600) }} as open_h,
            row_number() over (
                partition by customer_id
                order by
                    case when is_waiting and age_s >= {{ complaint_s }} and days_ago <= 30 then 0 else 1 end,
                    started_at, {{ bytewise('interaction_id') }}
            ) as place
        from inbound
        where stage = 'complaint' and not is_settled
    ) as ranked
    where place = 1
),

given_up as (
    select
        customer_id,
        {{ number_of('true') }} as given_up_count_30d,
        cast(max(wait_time_s) as bigint) as given_up_wait_s_max
    from contacts
    where has_given_up
    group by customer_id
),

answers as (
    select * from (
        select
            customer_id,
            cast(score as bigint) as score,
            {{ days_between('answered_on', run_date()) }} as days_ago,
            row_number() over (
                partition by customer_id
                order by
                    case when answered_on >= {{ days_after(run_date(), -7) }} then 0 else 1 end,
                    score, answered_on desc, {{ bytewise('survey_id') }}
            ) as place
        from {{ ref('int_survey_versions') }} as versions
        where kind = 'csat' and score <= 2
            and answered_on >= {{ days_after(run_date(), -30) }} and answered_on < {{ run_date() }}
            and {{ valid_at('versions', cutoff_at()) }}
    ) as ranked
    where place = 1
)

select
    population.customer_id,
    main_problems.topic,
    last_contacts.product,
    main_problems.contact_count_7d,
    main_problems.contact_count_30d,
    main_problems.last_contact_days,
    last_contacts.unanswered_h as last_unanswered_h,
    last_contacts.has_given_up as is_last_given_up,
    complaints.topic as complaint_topic,
    complaints.open_h as complaint_open_h,
    complaints.is_waiting as is_complaint_unanswered,
    answers.score as lowest_csat_30d,
    answers.days_ago as lowest_csat_days,
    given_up.given_up_count_30d,
    given_up.given_up_wait_s_max
from population
left join main_problems on main_problems.customer_id = population.customer_id
left join last_contacts
    on last_contacts.customer_id = main_problems.customer_id and last_contacts.topic = main_problems.topic
left join complaints on complaints.customer_id = population.customer_id
left join answers on answers.customer_id = population.customer_id
left join given_up on given_up.customer_id = population.customer_id
where coalesce(main_problems.contact_count_30d, complaints.open_h, answers.score, given_up.given_up_count_30d) is not null
