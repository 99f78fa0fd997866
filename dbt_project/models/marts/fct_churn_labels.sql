{{ config(
    materialized='incremental', unique_key='as_of_on', on_schema_change='append_new_columns', tags=['training'],
    indexes=indexes_on([['as_of_on', 'customer_id']]),
    post_hook="delete from {{ this }} where as_of_on not in (select as_of_on from {{ ref('fct_customer_features') }})"
) }}

{%- set is_inactivity = var('churn_rule') == 'inactivity' %}

with horizons as (
    {% for days in ([var('inactive_days')] if is_inactivity else var('horizons')) -%}
    select cast({{ days }} as bigint) as horizon_days{{ ' union all' if not loop.last }}
    {% endfor -%}
),

population as (
    select
        population.*,
        horizons.horizon_days,
        {{ days_after('population.as_of_on', 'horizons.horizon_days') }} as until_on,
        {{ days_after('population.as_of_on', 'horizons.horizon_days' if is_inactivity
                      else '(horizons.horizon_days + ' ~ var('grace_days') ~ ')') }} as observable_on
    from {{ ref('int_population') }} as population
    cross join horizons
),

{% if is_inactivity -%}
-- Activity as known at the cutoff, of the whole window or of none.
returned as (
    select population.as_of_on, population.customer_id, population.horizon_days
    from population
    inner join {{ ref('int_activity_versions') }} as versions
        on versions.customer_id = population.customer_id
        and versions.occurred_on >= population.as_of_on
        and versions.occurred_on < population.until_on
    where versions.is_counted
        and versions.occurred_on < {{ run_date() }}
        and {{ valid_at('versions', cutoff_at()) }}
    group by population.as_of_on, population.customer_id, population.horizon_days
),

outcomes as (
    select
        population.*,
        case when returned.customer_id is null then population.until_on end as left_on,
        false as is_involuntary,
        true as is_followed
    from population
    left join returned
        on returned.as_of_on = population.as_of_on
        and returned.customer_id = population.customer_id
        and returned.horizon_days = population.horizon_days
),

judged as (select outcomes.*, left_on is not null as has_left from outcomes)
{%- else -%}
outcomes as (
    select
        population.*,
        spells.left_on,
        spells.is_involuntary,
        -- not followed: had left before the as-of date already, as is known by now
        spells.unit_id is not null and coalesce(spells.left_on >= population.as_of_on, true) as is_followed
    from population
    left join {{ ref('stg_customers') }} as customers on customers.customer_id = population.customer_id
    left join {{ ref('int_spells') }} as spells
        on spells.unit_id = {{ 'coalesce(customers.account_id, population.customer_id)' if var('churn_level') == 'account'
                              else 'population.customer_id' }}
        and spells.started_at < population.as_of_at
        and spells.ended_at >= population.as_of_at
),

judged as (select outcomes.*, coalesce(left_on < until_on, false) as has_left from outcomes)
{%- endif %}

select
    customer_id,
    as_of_on,
    horizon_days,
    case when observable_on <= {{ run_date() }} and is_followed and not (has_left and is_involuntary) then has_left end as is_churned,
    case when observable_on <= {{ run_date() }} and is_followed and has_left and not is_involuntary then left_on end as churned_on,
    observable_on <= {{ run_date() }} and is_followed and has_left and is_involuntary as is_censored,
    observable_on
from judged
