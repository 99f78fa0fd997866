{{ config(tags=['training']) }}

{%- set channels = {'phone': "('phone')", 'chat': "('chat')", 'written': "('email', 'web_form', 'social')",
                    'self_service': "('self_service')", 'in_person': "('in_person')"} %}
{%- set stages = ['reception', 'consultation', 'complaint', 'feedback'] %}
{%- set is_served_later = 'coalesce(versions.served_at >= days.as_of_at, false)' %}

-- Contacts of the 90 days before each as-of date, in the version that was valid then.
with contacts as (
    select
        days.as_of_on,
        days.days_ago,
        days.fading_thousandths,
        versions.customer_id,
        versions.started_at,
        versions.interaction_id,
        versions.channel,
        versions.stage,
        versions.problem,
        versions.topic,
        versions.is_inbound,
        versions.has_given_up,
        -- a contact that still waits has missed its standard when that has run out, whatever comes of it later
        case
            when not versions.has_given_up and (not versions.is_served or {{ is_served_later }})
                then {{ seconds_between('versions.started_at', 'days.as_of_at') }}
                    > coalesce({{ standard('versions', 'threshold_s') }}, {{ standard('versions', 'first_response_s') }})
            else not versions.is_in_standard
        end as has_missed_standard,
        case when not {{ is_served_later }} then versions.wait_time_s end as wait_time_s,
        case when not {{ is_served_later }} then versions.handle_time_s end as handle_time_s,
        coalesce(versions.transfer_count, 0) as transfer_count,
        {{ thousandths('versions.text_sentiment') }} as sentiment_thousandths,
        {{ seconds_between('versions.started_at',
                           revealed('interactions', 'first_response_at', 'versions', 'days.as_of_at', 'days.as_of_on')) }}
            as first_response_s,
        {{ revealed('interactions', 'resolved_at', 'versions', 'days.as_of_at', 'days.as_of_on') }} as resolved_at,
        {{ revealed('interactions', 'is_first_contact_resolution', 'versions', 'days.as_of_at', 'days.as_of_on') }}
            as is_first_contact_resolution
    from {{ ref('int_as_of_days') }} as days
    inner join {{ ref('int_interaction_versions') }} as versions on versions.started_on = days.day_on
    where days.days_ago <= 90
        and versions.customer_id is not null
        and {{ is_sampled('versions.customer_id') }}
        and {{ valid_at('versions', 'days.as_of_at') }}
        and not {{ announces_leaving('versions.topic') }}
),

stitched as (
    select
        contacts.*,
        is_inbound and not has_given_up and channel <> 'self_service' and resolved_at is null
            and not coalesce(is_first_contact_resolution, false) as is_open,
        lag(started_at) over in_order >= started_at - interval '{{ var("fcr_window_days") * 24 }} hours' as is_repeat,
        lag(channel) over in_order <> channel as is_other_channel,
        lag(resolved_at) over in_order as settled_before_at,
        max(resolved_at) over whole as settled_last_at,
        count(*) over whole as problem_contact_count
    from contacts
    window
        whole as (partition by as_of_on, customer_id, problem, is_inbound),
        in_order as (partition by as_of_on, customer_id, problem, is_inbound order by started_at, {{ bytewise('interaction_id') }})
),

followed as (
    select
        stitched.*,
        -- what a later contact on the same problem settled is open no more
        is_open and coalesce(settled_last_at <= started_at, true) as is_pending,
        is_inbound and settled_before_at < started_at
            and settled_before_at >= started_at - interval '{{ var("fcr_window_days") * 24 }} hours' as is_reopened
    from stitched
),

topics as (
    select
        as_of_on,
        customer_id,
        topic,
        {%- for days in (7, 30, 90) %}
        {{ number_of('days_ago <= ' ~ days) }} as count_{{ days }}d,
        {%- endfor %}
        min(days_ago) as days_since
    from followed
    where is_inbound and topic is not null
    group by as_of_on, customer_id, topic
),

-- Topics are an open set: no column each, but entries of one object, which `features/attributes.py` makes features of.
told as (
    select
        as_of_on,
        customer_id,
        '{' || string_agg(
            {%- for measure in ['count_7d', 'count_30d', 'count_90d', 'days_since'] %}
            cast(to_json(cast(topic || '_{{ measure }}' as varchar)) as varchar) || ':' || cast({{ measure }} as varchar)
            {{- " || ',' ||" if not loop.last }}
            {%- endfor %}
            , ',' order by {{ bytewise('topic') }}) || '}' as contact_topics
    from topics
    group by as_of_on, customer_id
),

counted as (
    select
        as_of_on,
        customer_id,
        {%- for days in (7, 30, 90) %}
        {{ number_of('is_inbound and days_ago <= ' ~ days) }} as contact_count_{{ days }}d,
        {%- for name, members in channels.items() %}
        {{ number_of('is_inbound and channel in ' ~ members ~ ' and days_ago <= ' ~ days) }} as {{ name }}_count_{{ days }}d,
        {%- endfor %}
        {%- for stage in stages %}
        {{ number_of("is_inbound and stage = '" ~ stage ~ "' and days_ago <= " ~ days) }} as {{ stage }}_count_{{ days }}d,
        {%- endfor %}
        {{ number_of('has_given_up and days_ago <= ' ~ days) }} as abandoned_count_{{ days }}d,
        {{ total('transfer_count', 'days_ago <= ' ~ days) }} as transfer_count_{{ days }}d,
        {{ number_of('is_open and days_ago <= ' ~ days) }} as unresolved_count_{{ days }}d,
        {{ number_of('is_inbound and is_repeat and days_ago <= ' ~ days) }} as repeat_count_{{ days }}d,
        {{ number_of('is_reopened and days_ago <= ' ~ days) }} as reopened_count_{{ days }}d,
        {{ number_of('is_inbound and has_missed_standard and days_ago <= ' ~ days) }} as missed_standard_count_{{ days }}d,
        {{ mean('wait_time_s', 'is_inbound and days_ago <= ' ~ days) }} as wait_time_s_mean_{{ days }}d,
        {{ mean('sentiment_thousandths', 'days_ago <= ' ~ days) }} / 1000 as text_sentiment_mean_{{ days }}d,
        {%- endfor %}
        {{ number_of('not is_inbound and days_ago <= 30') }} as outbound_count_30d,
        {{ number_of('is_inbound and is_repeat and is_other_channel') }} as repeat_other_channel_count_90d,
        cast(max(problem_contact_count) filter (where is_inbound) as bigint) as problem_contact_count_max_90d,
        cast(count(distinct problem) filter (where is_pending) as bigint) as unresolved_problem_count_90d,
        cast(max(days_ago) filter (where is_pending) as bigint) as unresolved_problem_age_days,
        cast(max(days_ago) filter (where is_pending and stage = 'complaint') as bigint) as unresolved_complaint_age_days,
        cast(count(distinct channel) filter (where is_inbound) as bigint) as channel_count_90d,
        cast(count(distinct topic) filter (where is_inbound) as bigint) as topic_count_90d,
        cast(max(wait_time_s) filter (where is_inbound) as bigint) as wait_time_s_max_90d,
        {{ ratio('sum(wait_time_s * fading_thousandths) filter (where is_inbound)', '1000') }} as wait_time_s_faded_90d,
        {%- for name, condition in {'contact': 'is_inbound', 'complaint': "is_inbound and stage = 'complaint'",
                                    'repeat': 'is_inbound and is_repeat'}.items() %}
        coalesce({{ ratio('sum(fading_thousandths) filter (where ' ~ condition ~ ')', '1000') }}, 0) as {{ name }}_count_faded_90d,
        {%- endfor %}
        {{ mean('handle_time_s', 'is_inbound') }} as handle_time_s_mean_90d,
        {{ mean('first_response_s', 'is_inbound') }} as first_response_s_mean_90d,
        cast(min(sentiment_thousandths) as double precision) / 1000 as text_sentiment_min_90d,
        cast(min(days_ago) filter (where is_inbound) as bigint) as days_since_last_contact,
        {%- for name, members in channels.items() %}
        cast(min(days_ago) filter (where is_inbound and channel in {{ members }}) as bigint) as days_since_last_{{ name }},
        {%- endfor %}
        {%- for stage in stages %}
        cast(min(days_ago) filter (where is_inbound and stage = '{{ stage }}') as bigint) as days_since_last_{{ stage }},
        {%- endfor %}
        cast(min(days_ago) filter (where has_given_up) as bigint) as days_since_last_abandoned,
        cast(min(days_ago) filter (where is_inbound and has_missed_standard) as bigint) as days_since_last_missed_standard,
        {{ mean('wait_time_s', 'is_inbound and days_ago <= 30') }}
            - {{ mean('wait_time_s', 'is_inbound and days_ago > 30') }} as wait_time_s_change_30d,
        ({{ mean('sentiment_thousandths', 'days_ago <= 30') }}
            - {{ mean('sentiment_thousandths', 'days_ago > 30') }}) / 1000 as text_sentiment_change_30d
    from followed
    group by as_of_on, customer_id
)

select
    counted.*,
    {%- for name in ['contact'] + (channels.keys() | list) + stages + ['abandoned', 'missed_standard'] %}
    {{ change_30d(name ~ '_count') }} as {{ name }}_change_30d,
    {%- endfor %}
    told.contact_topics
from counted
left join told on told.as_of_on = counted.as_of_on and told.customer_id = counted.customer_id
