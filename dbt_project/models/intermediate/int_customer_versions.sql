{{ config(materialized='incremental', unique_key='customer_id', indexes=indexes_on([['customer_id']])) }}

{{ versions('customers') }}
