{{ config(materialized='incremental', unique_key='outcome_id', indexes=indexes_on([['outcome_id']])) }}

{{ versions('outreach_outcomes') }}
