{{ config(materialized='incremental', unique_key='invoice_id', indexes=indexes_on([['invoice_id'], ['due_on']])) }}

{{ versions('payments') }}
