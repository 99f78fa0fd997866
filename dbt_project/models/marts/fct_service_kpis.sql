{{ config(materialized='incremental', unique_key='local_on', full_refresh=var('is_rebuild') or none,
          on_schema_change='append_new_columns', indexes=indexes_on([['local_on']])) }}

{%- set window_days = var('fcr_window_days') %}
{%- set window_h = window_days * 24 %}
{%- set last = '(select coalesce(max(built_pull_id), -1) from ' ~ this ~ ')' %}

with versions as not materialized (select * from {{ ref('int_interaction_versions') }}),

reports as (select * from {{ ref('int_report_versions') }}),

{% if is_incremental() -%}
-- Days whose contacts new pulls touched, and those whose window has closed since.
touched_contacts as (
    select interaction_id from versions where pull_id > {{ last }}
    union
    select interaction_id from {{ ref('int_survey_versions') }} where pull_id > {{ last }}
    union
    select interaction_id from {{ source('raw', 'evaluations') }} where pull_id > {{ last }}
),

touched_days as (
    select distinct started_on as local_on from versions
    where interaction_id in (select interaction_id from touched_contacts)
    union
    select distinct local_on from reports
    where pull_id > {{ last }}
    union
    select distinct started_on from versions
    where started_on > (select max(local_on) from {{ this }})
    union
    select distinct local_on from reports
    where local_on > (select max(local_on) from {{ this }})
    union
    select distinct local_on from {{ this }}
    where local_on >= (select {{ days_after('max(local_on)', -window_days - 1) }} from {{ this }})
        or local_on >= (select min(starts_on) from {{ source('raw', 'costs') }} where pull_id > {{ last }})
),

-- A contact bears on what came before it and after it within the window.
recomputed as (
    select distinct {{ days_after('touched_days.local_on', 'shift.days') }} as local_on
    from touched_days
    cross join generate_series(-{{ window_days }}, {{ window_days }}) as shift (days)
),

read as (
    select distinct {{ days_after('recomputed.local_on', 'shift.days') }} as local_on
    from recomputed
    cross join generate_series(-{{ window_days }}, {{ window_days }}) as shift (days)
),
{%- endif %}

contacts as not materialized (
    select
        versions.started_on as local_on,
        versions.interaction_id,
        versions.customer_id,
        versions.queue,
        versions.channel,
        versions.stage,
        versions.problem,
        versions.started_at,
        versions.wait_time_s,
        versions.handle_time_s,
        versions.has_given_up,
        versions.has_given_up_at_once,
        versions.is_served and coalesce(versions.served_at < {{ cutoff_at() }}, true) as is_served,
        versions.is_in_standard,
        {{ revealed('interactions', 'is_first_contact_resolution', 'versions', cutoff_at(), run_date()) }} as is_settled_at_first,
        case when versions.responded_at < {{ cutoff_at() }}
            then {{ seconds_between('versions.started_at', 'versions.responded_at') }} end as response_s,
        {{ seconds_between('versions.started_at', cutoff_at()) }} as age_s,
        {{ standard('versions', 'first_response_s') }} as response_standard_s,
        {{ days_after('versions.started_on', window_days) }} < {{ run_date() }} as is_window_closed
    from versions
    where versions.is_inbound
        and versions.started_on < {{ run_date() }}
        and {{ valid_at('versions', cutoff_at()) }}
        and versions.queue not in (select queue from reports)
        {%- if is_incremental() %}
        and versions.started_on in (select local_on from read)
        {%- endif %}
),

-- One problem over all channels: the contacts of a customer on it, in order.
stitched as (
    select
        contacts.*,
        lead(started_at) over problem_in_order <= started_at + interval '{{ window_h }} hours' as is_followed,
        max(case when is_served then started_at end) over (
            partition by customer_id, problem order by started_at, {{ bytewise('interaction_id') }}
            rows between unbounded preceding and 1 preceding
        ) >= started_at - interval '{{ window_h }} hours' as is_further,
        min(case when channel <> 'self_service' then started_at end) over (
            partition by customer_id order by started_at, {{ bytewise('interaction_id') }}
            rows between 1 following and unbounded following
        ) <= started_at + interval '{{ window_h }} hours' as is_followed_by_agent
    from contacts
    window problem_in_order as (
        partition by customer_id, problem order by started_at, {{ bytewise('interaction_id') }}
    )
),

judged as (
    select
        stitched.*,
        case
            when not is_served or channel = 'self_service' then null
            when customer_id is null then is_settled_at_first
            when is_window_closed and not coalesce(is_further, false)
                then not coalesce(is_followed, false) and coalesce(is_settled_at_first, true)
        end as is_resolved_at_first,
        case when response_standard_s is not null and not has_given_up and (response_s is not null or not is_served and age_s > response_standard_s)
            then coalesce(response_s <= response_standard_s, false) end as is_response_in_standard,
        case when stage = 'complaint' and (response_s is not null or not is_served and age_s > {{ var('standards')['complaint_response_s'] }})
            then coalesce(response_s <= {{ var('standards')['complaint_response_s'] }}, false) end as is_complaint_in_time,
        case when channel = 'self_service' and customer_id is not null and is_window_closed
            then not coalesce(is_followed_by_agent, false) end as is_contained
    from stitched
    {%- if is_incremental() %}
    where local_on in (select local_on from recomputed)
    {%- endif %}
),

counted as (
    select
        local_on,
        queue,
        channel,
        {{ number_of('true') }} as offered_count,
        {{ number_of('is_served') }} as handled_count,
        {{ number_of('has_given_up') }} as abandoned_count,
        {{ number_of('has_given_up_at_once') }} as short_abandoned_count,
        case when count(is_in_standard) > 0 then {{ number_of('is_served and is_in_standard') }} end as answered_in_standard_count,
        {{ total('wait_time_s', 'is_served') }} as wait_time_s,
        {{ total('handle_time_s', 'is_served') }} as handle_time_s,
        {{ mean('response_s', 'not has_given_up') }} as first_response_s,
        {{ ratio(number_of('is_response_in_standard'), 'count(is_response_in_standard)') }} as first_response_in_standard_rate,
        {{ ratio(number_of('is_resolved_at_first'), 'count(is_resolved_at_first)') }} as first_contact_resolution_rate,
        {{ number_of("stage = 'complaint'") }} as complaint_count,
        {{ ratio(number_of('is_complaint_in_time'), 'count(is_complaint_in_time)') }} as complaints_in_24h_rate,
        {{ ratio(number_of('is_contained'), 'count(is_contained)') }} as containment_rate
    from judged
    group by local_on, queue, channel
),

answers as (
    select
        contacts.local_on,
        contacts.queue,
        contacts.channel,
        {{ ratio(number_of("surveys.kind = 'csat' and surveys.score >= 4"), number_of("surveys.kind = 'csat'")) }} as csat,
        {{ ratio(number_of("surveys.kind = 'nps' and surveys.score >= 9") ~ ' - '
                 ~ number_of("surveys.kind = 'nps' and surveys.score <= 6"), number_of("surveys.kind = 'nps'")) }} as nps,
        {{ mean('surveys.score', "surveys.kind = 'ces'") }} as ces
    from contacts
    inner join {{ ref('int_survey_versions') }} as surveys on surveys.interaction_id = contacts.interaction_id
    where {{ valid_at('surveys', cutoff_at()) }} and surveys.answered_at < {{ cutoff_at() }}
    group by contacts.local_on, contacts.queue, contacts.channel
),

reviews as (
    select
        contacts.local_on,
        contacts.queue,
        contacts.channel,
        {{ ratio(number_of('evaluations.is_compliant'), 'count(evaluations.is_compliant)') }} as quality_compliance_rate
    from contacts
    inner join {{ ref('stg_evaluations') }} as evaluations on evaluations.interaction_id = contacts.interaction_id
    group by contacts.local_on, contacts.queue, contacts.channel
),

reported as (
    select
        local_on,
        queue,
        {{ channel_of('reports') }} as channel,
        {%- for measure in ['offered_count', 'handled_count', 'abandoned_count', 'short_abandoned_count'] %}
        {{ total(measure) }} as {{ measure }},
        {%- endfor %}
        cast(sum(answered_in_standard_count) as bigint) as answered_in_standard_count,
        cast(sum(wait_time_s) as bigint) as wait_time_s,
        cast(sum(handle_time_s) as bigint) as handle_time_s
    from reports
    where local_on < {{ run_date() }}
        and {{ valid_at('reports', cutoff_at()) }}
        {%- if is_incremental() %}
        and local_on in (select local_on from recomputed)
        {%- endif %}
    group by local_on, queue, {{ channel_of('reports') }}
),

days as (
    select
        counted.*,
        answers.csat,
        answers.nps,
        answers.ces,
        reviews.quality_compliance_rate
    from counted
    left join answers
        on answers.local_on = counted.local_on and answers.queue = counted.queue and answers.channel = counted.channel
    left join reviews
        on reviews.local_on = counted.local_on and reviews.queue = counted.queue and reviews.channel = counted.channel
    union all
    select
        local_on, queue, channel, offered_count, handled_count, abandoned_count, short_abandoned_count,
        answered_in_standard_count, wait_time_s, handle_time_s,
        null, null, null, 0, null, null, null, null, null, null
    from reported
)

select
    days.local_on,
    days.queue,
    days.channel,
    days.offered_count,
    days.handled_count,
    days.abandoned_count,
    days.short_abandoned_count,
    days.answered_in_standard_count,
    {% if var('service_level_formula') == 'answered_in_standard_over_handled' -%}
    {{ ratio('days.answered_in_standard_count', 'days.handled_count') }} as service_level,
    {%- else -%}
    {{ ratio('days.answered_in_standard_count', 'days.offered_count - days.short_abandoned_count') }} as service_level,
    {%- endif %}
    {{ ratio('days.abandoned_count', 'days.offered_count') }} as abandonment_rate,
    -- Nobody waits for an agent who writes, and no agent handles what customers do themselves: null, not 0 s.
    case when days.channel in ('phone', 'chat', 'in_person')
        then {{ ratio('days.wait_time_s', 'days.handled_count') }} end as asa_s,
    case when days.channel <> 'self_service'
        then {{ ratio('days.handle_time_s', 'days.handled_count') }} end as handle_time_s,
    cast(days.first_response_s as double precision) as first_response_s,
    cast(days.first_response_in_standard_rate as double precision) as first_response_in_standard_rate,
    cast(days.first_contact_resolution_rate as double precision) as first_contact_resolution_rate,
    cast(days.complaint_count as bigint) as complaint_count,
    cast(days.complaints_in_24h_rate as double precision) as complaints_in_24h_rate,
    cast(days.csat as double precision) as csat,
    cast(days.nps as double precision) as nps,
    cast(days.ces as double precision) as ces,
    cast(days.containment_rate as double precision) as containment_rate,
    cast(days.quality_compliance_rate as double precision) as quality_compliance_rate,
    {{ money_per('60 * costs.per_contact * days.handled_count + costs.per_minute * coalesce(days.handle_time_s, 0)',
                 '60 * days.handled_count') }} as cost_per_contact,
    (select greatest({{ last_pull('versions') }}, {{ last_pull('reports') }}, {{ last_pull(ref('int_survey_versions')) }},
        {{ last_pull(source('raw', 'evaluations')) }}, {{ last_pull(source('raw', 'costs')) }})) as built_pull_id
from days
left join {{ ref('int_costs') }} as costs
    on costs.channel = days.channel and costs.starts_on <= days.local_on and days.local_on < costs.until_on
