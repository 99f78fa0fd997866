{{ config(materialized='incremental', unique_key='survey_id',
          indexes=indexes_on([['survey_id'], ['interaction_id'], ['answered_on']])) }}

select
    versions.*,
    {{ local_day('versions.answered_at') }} as answered_on
from ({{ versions('surveys') }}) as versions
