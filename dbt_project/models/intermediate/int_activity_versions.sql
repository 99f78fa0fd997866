{{ config(materialized='incremental', unique_key=['customer_id', 'occurred_on', 'kind'],
          indexes=indexes_on([['customer_id'], ['occurred_on']])) }}

select
    versions.*,
    coalesce(versions.event_count, 1) > 0 and {% if var('activity_kinds') -%}
        versions.kind in ({% for kind in var('activity_kinds') %}'{{ kind | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- else -%} versions.kind <> 'return' {%- endif %} as is_counted
from ({{ versions('activity') }}) as versions
