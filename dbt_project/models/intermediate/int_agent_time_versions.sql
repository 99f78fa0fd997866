{{ config(materialized='incremental', unique_key=['agent_id', 'starts_at', 'activity', 'is_planned'],
          indexes=indexes_on([['agent_id', 'starts_at']])) }}

{{ versions('agent_time') }}
