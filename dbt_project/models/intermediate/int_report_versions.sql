{{ config(materialized='incremental', unique_key=['queue', 'interval_start_at'],
          indexes=indexes_on([['queue', 'interval_start_at'], ['local_on'], ['known_on'], ['replaced_on'], ['pull_id']])) }}

select
    versions.*,
    {{ local_day('versions.interval_start_at') }} as local_on,
    {{ known_on('versions.valid_from') }} as known_on,
    case when versions.valid_to < {{ never() }} then {{ known_on('versions.valid_to') }} end as replaced_on
from ({{ versions('contact_volumes') }}) as versions
