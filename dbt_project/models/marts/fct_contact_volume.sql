{{ config(materialized='incremental', unique_key=['queue', 'interval_start_at'], full_refresh=var('is_rebuild') or none,
          on_schema_change='append_new_columns', indexes=indexes_on([['queue', 'interval_start_at'], ['local_on']])) }}

with changes as (
    select * from {{ ref('int_contact_volume_changes') }}
    where known_on <= {{ run_date() }}
)

select
    changes.queue,
    changes.interval_start_at,
    min({{ bytewise('changes.channel') }}) as channel,
    min(changes.local_on) as local_on,
    {%- for measure in ['offered_count', 'handled_count', 'abandoned_count', 'short_abandoned_count',
                        'answered_in_standard_count', 'redial_count', 'wait_time_s', 'handle_time_s'] %}
    {{ total('changes.' ~ measure) }} as {{ measure }},
    {%- endfor %}
    max(changes.known_on) as last_known_on,
    max(changes.built_pull_id) as built_pull_id
from changes
{%- if is_incremental() %}
inner join (
    select distinct queue, interval_start_at
    from changes
    where built_pull_id > (select coalesce(max(built_pull_id), -1) from {{ this }})
        or known_on > (select max(last_known_on) from {{ this }})
) as touched on touched.queue = changes.queue and touched.interval_start_at = changes.interval_start_at
{%- endif %}
group by changes.queue, changes.interval_start_at
