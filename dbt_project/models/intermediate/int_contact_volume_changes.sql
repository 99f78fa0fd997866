{{ config(materialized='incremental', unique_key='known_on',
          indexes=indexes_on([['known_on'], ['queue', 'interval_start_at']])) }}

{%- set measures = ['offered_count', 'handled_count', 'abandoned_count', 'short_abandoned_count',
                    'answered_in_standard_count', 'redial_count', 'wait_time_s', 'handle_time_s'] %}

-- A version adds its values when it becomes known and takes them back when the next one replaces it.
with contacts as (
    select * from {{ ref('int_interaction_versions') }}
    where is_inbound and queue not in (select queue from {{ ref('int_report_versions') }})
),

reports as (select * from {{ ref('int_report_versions') }}),

{% if is_incremental() -%}
-- Mornings whose knowledge new pulls changed: nearly always tonight's alone.
touched as (
    select known_on from contacts where pull_id > (select coalesce(max(built_pull_id), -1) from {{ this }})
    union
    select served_known_on from contacts where pull_id > (select coalesce(max(built_pull_id), -1) from {{ this }})
    union
    select replaced_on from contacts where pull_id > (select coalesce(max(built_pull_id), -1) from {{ this }})
    union
    select known_on from reports where pull_id > (select coalesce(max(built_pull_id), -1) from {{ this }})
    union
    select replaced_on from reports where pull_id > (select coalesce(max(built_pull_id), -1) from {{ this }})
),
{%- endif %}

contact_changes as (
    {%- for moment, sign, is_service in [('known_on', 1, false), ('replaced_on', -1, false),
                                         ('served_known_on', 1, true), ('replaced_on', -1, true)] %}
    select
        queue, channel, language, site, interval_start_at, started_on as local_on, {{ moment }} as known_on,
        {%- if is_service %}
        0 as offered_count,
        {{ sign }} as handled_count,
        0 as abandoned_count,
        0 as short_abandoned_count,
        case when is_in_standard then {{ sign }} else 0 end as answered_in_standard_count,
        0 as redial_count,
        {{ sign }} * coalesce(wait_time_s, 0) as wait_time_s,
        {{ sign }} * coalesce(handle_time_s, 0) as handle_time_s
        {%- else %}
        {{ sign }} as offered_count,
        0 as handled_count,
        case when has_given_up then {{ sign }} else 0 end as abandoned_count,
        case when has_given_up_at_once then {{ sign }} else 0 end as short_abandoned_count,
        0 as answered_in_standard_count,
        case when is_redial then {{ sign }} else 0 end as redial_count,
        case when has_given_up then {{ sign }} * coalesce(wait_time_s, 0) else 0 end as wait_time_s,
        0 as handle_time_s
        {%- endif %}
    from contacts
    where {{ moment }} is not null
        {%- if is_service %} and served_known_on is not null{% endif %}
        {%- if is_incremental() %} and {{ moment }} in (select known_on from touched){% endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

report_changes as (
    {%- for moment, sign in [('known_on', 1), ('replaced_on', -1)] %}
    select
        queue, {{ channel_of('reports') }} as channel, cast(null as varchar) as language, cast(null as varchar) as site,
        {{ interval_start('interval_start_at') }} as interval_start_at, local_on, {{ moment }} as known_on,
        {%- for measure in measures %}
        {{ '0' if measure == 'redial_count' else sign ~ ' * coalesce(' ~ measure ~ ', 0)' }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from reports
    where {{ moment }} is not null
        {%- if is_incremental() %} and {{ moment }} in (select known_on from touched){% endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

changes as (
    select * from contact_changes
    union all
    select * from report_changes
)

select
    queue,
    min({{ bytewise('channel') }}) as channel,
    case when min({{ bytewise('language') }}) = max({{ bytewise('language') }}) then min({{ bytewise('language') }}) end as language,
    case when min({{ bytewise('site') }}) = max({{ bytewise('site') }}) then min({{ bytewise('site') }}) end as site,
    interval_start_at,
    local_on,
    known_on,
    {%- for measure in measures %}
    {{ total(measure) }} as {{ measure }},
    {%- endfor %}
    (select greatest({{ last_pull(ref('int_interaction_versions')) }}, {{ last_pull(ref('int_report_versions')) }})) as built_pull_id
from changes
group by queue, interval_start_at, local_on, known_on
having {% for measure in measures %}sum({{ measure }}) <> 0{{ ' or ' if not loop.last }}{% endfor %}
