{{ config(materialized='incremental', unique_key=['customer_id', 'channel', 'purpose'],
          indexes=indexes_on([['customer_id']])) }}

{{ versions('consents') }}
