{{ config(materialized='incremental', unique_key='month_on', full_refresh=var('is_rebuild') or none,
          indexes=indexes_on([['month_on', 'customer_id']])) }}

{%- set last = '(select coalesce(max(built_pull_id), -1) from ' ~ this ~ ')' %}

-- Sixtieths of a cost: the minute's price times seconds stays a whole number of ten-thousandths.
select
    cast(date_trunc('month', versions.started_on) as date) as month_on,
    versions.customer_id,
    cast(count(*) as bigint) as contact_count,
    cast(sum(60 * coalesce(costs.per_contact, 0) + coalesce(costs.per_minute, 0) * coalesce(versions.handle_time_s, 0))
        as decimal(28, 4)) as cost_sixtieths,
    (select greatest({{ last_pull(ref('int_interaction_versions')) }}, {{ last_pull(source('raw', 'costs')) }})) as built_pull_id
from {{ ref('int_interaction_versions') }} as versions
left join {{ ref('int_costs') }} as costs
    on costs.channel = versions.channel and costs.starts_on <= versions.started_on and versions.started_on < costs.until_on
where versions.served_known_on <= {{ run_date() }}
    and versions.customer_id is not null
    and {{ valid_at('versions', cutoff_at()) }}
    {%- if is_incremental() %}
    -- months of the contacts that were served since the last month began, that new pulls touched or that new prices hold for
    and cast(date_trunc('month', versions.started_on) as date) in (
        select cast(date_trunc('month', started_on) as date) from {{ ref('int_interaction_versions') }}
        where coalesce(served_at, started_at) >= {{ day_start('(select max(month_on) from ' ~ this ~ ')') }}
        union
        select cast(date_trunc('month', started_on) as date) from {{ ref('int_interaction_versions') }}
        where interaction_id in (select interaction_id from {{ ref('int_interaction_versions') }} where pull_id > {{ last }})
        union
        select month_on from {{ this }}
        where month_on >= (
            select cast(date_trunc('month', min(starts_on)) as date) from {{ source('raw', 'costs') }} where pull_id > {{ last }}
        )
    )
    {%- endif %}
group by cast(date_trunc('month', versions.started_on) as date), versions.customer_id
