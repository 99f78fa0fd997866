{{ config(materialized='incremental', unique_key='subscription_id', indexes=indexes_on([['subscription_id']])) }}

{{ versions('subscriptions') }}
