{# What was known when. The declarations (keys, `revealed_by`) come from the contract through `contract()`. #}

{% macro never() -%} cast('9999-12-31 00:00:00+00' as timestamp with time zone) {%- endmacro %}

{# A column's value as it read at an instant that begins the local day `on_day`: null until it is revealed. #}
{% macro revealed(table, column, alias, at_instant, on_day) -%}
    {%- set declared = contract()[table]['columns'][column] -%}
    {%- set reveals = declared['revealed_by'] -%}
    {%- if not reveals -%} {{ alias }}.{{ column }}
    {%- elif contract()[table]['columns'][reveals]['kind'] == 'date' -%}
        case when {{ alias }}.{{ reveals }} < {{ on_day }} then {{ alias }}.{{ column }} end
    {%- else -%}
        case when {{ alias }}.{{ reveals }} < {{ at_instant }} then {{ alias }}.{{ column }} end
    {%- endif -%}
{%- endmacro %}

{# All columns of a table as they read at an instant, comma-separated. `only`: some of them. #}
{% macro revealed_columns(table, alias, at_instant, on_day, only=none) -%}
    {%- for column in (only or contract()[table]['columns'].keys()) %}
    {{ revealed(table, column, alias, at_instant, on_day) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# A raw table as known at an instant that begins the local day `on_day`: one row for each key. #}
{% macro as_of(table, at_instant, on_day) %}
    {%- set key = contract()[table]['key'] | join(', ') -%}
    select {{ revealed_columns(table, 'latest', at_instant, on_day) }}
    from (
        select
            *,
            row_number() over (partition by {{ key }} order by known_at desc, pull_id desc, row_hash desc) as recency
        from {{ source('raw', table) }}
        where known_at < {{ at_instant }}
    ) as latest
    where latest.recency = 1
{% endmacro %}

{# Whether version `alias` is the one that was valid at an instant. #}
{% macro valid_at(alias, at_instant) -%}
    {{ alias }}.valid_from < {{ at_instant }} and {{ alias }}.valid_to >= {{ at_instant }}
{%- endmacro %}

{# Every version of a raw table with the span in which it was the latest: valid_from < T <= valid_to.
   In an incremental run only the keys that new pulls touched, in full. Of versions that became known in
   the same instant the last pulled stands; the others were never seen. #}
{% macro versions(table) %}
    {%- set key = contract()[table]['key'] -%}
    {%- set columns = contract()[table]['columns'].keys() -%}
    select
        {% for column in columns %}ordered.{{ column }}, {% endfor %}
        ordered.known_at as valid_from,
        coalesce(ordered.replaced_at, {{ never() }}) as valid_to,
        ordered.pull_id
    from (
        select
            raw.*,
            lead(raw.known_at) over (
                partition by {% for part in key %}raw.{{ part }}{{ ', ' if not loop.last }}{% endfor %}
                order by raw.known_at, raw.pull_id, raw.row_hash
            ) as replaced_at
        from {{ source('raw', table) }} as raw
        {%- if is_incremental() %}
        inner join (
            select distinct {{ key | join(', ') }} from {{ source('raw', table) }} where pull_id > {{ last_pull(this) }}
        ) as touched on {% for part in key %}touched.{{ part }} = raw.{{ part }}{{ ' and ' if not loop.last }}{% endfor %}
        {%- endif %}
    ) as ordered
    where ordered.replaced_at is distinct from ordered.known_at
{% endmacro %}

{# The greatest pull that a table has taken in, -1 where none: what came later is new. #}
{% macro last_pull(relation) -%}
    (select coalesce(max(pull_id), -1) from {{ relation }})
{%- endmacro %}

{# Whether training looks at a customer: the population holds the sample. #}
{% macro is_sampled(customer) -%}
    {%- set population = ref('int_population') -%}
    {{ customer ~ ' in (select customer_id from ' ~ population ~ ')' if var('sampled_below') else 'true' }}
{%- endmacro %}

{# Features that are kept no longer: of training, dates that are learned from no more; else nights a week old.
   A macro, since what stands in a model's `config` itself is fixed when it is parsed, before there is a run date. #}
{% macro features_to_drop() -%}
    {%- if var('is_training') -%} is_training and as_of_on not in ('{{ var('training_dates') | join("', '") }}')
    {%- else -%} not is_training and as_of_on <= {{ days_after(run_date(), -7) }}
    {%- endif -%}
{%- endmacro %}
