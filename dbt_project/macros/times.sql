{# Instants and local days. The site's zone is a variable; days on which clocks change have 23 or 25 hours. #}

{# The local day of an instant. #}
{% macro local_day(instant) -%}
    cast(({{ instant }}) at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}

{# The instant at which a local day begins. #}
{% macro day_start(day) -%}
    (cast({{ day }} as timestamp) at time zone '{{ var("time_zone") }}')
{%- endmacro %}

{# Whole seconds from one instant to another. #}
{% macro seconds_between(earlier, later) -%}
    cast(floor(extract(epoch from (({{ later }}) - ({{ earlier }})))) as bigint)
{%- endmacro %}

{# Days from one date to another. #}
{% macro days_between(earlier, later) -%}
    cast(({{ later }}) - ({{ earlier }}) as bigint)
{%- endmacro %}

{# A date some days later, or earlier. #}
{% macro days_after(day, count) -%}
    (({{ day }}) + cast({{ count }} as integer))
{%- endmacro %}

{# First date on or after `day` that lies whole terms of so many months from `anchor`, before it or after;
   a term is 12 months where it is null. A month without that day counts its last one. #}
{% macro next_on_cycle(anchor, months, day) -%}
    {%- set term = 'coalesce(' ~ months ~ ', 12)' -%}
    {%- set apart = '((extract(year from ' ~ day ~ ') - extract(year from ' ~ anchor ~ ')) * 12 + extract(month from '
                    ~ day ~ ') - extract(month from ' ~ anchor ~ '))' -%}
    {%- set terms = 'floor(cast(' ~ apart ~ ' as double precision) / ' ~ term ~ ')' -%}
    {%- set this = 'cast(' ~ anchor ~ " + interval '1 month' * cast(" ~ terms ~ ' * ' ~ term ~ ' as integer) as date)' -%}
    {%- set next = 'cast(' ~ anchor ~ " + interval '1 month' * cast((" ~ terms ~ ' + 1) * ' ~ term ~ ' as integer) as date)' -%}
    case when {{ this }} >= {{ day }} then {{ this }} else {{ next }} end
{%- endmacro %}

{# First instant of the interval in which an instant falls, counted from the local day's beginning:
   right in zones half an hour apart and on days on which clocks change. #}
{% macro interval_start(instant) -%}
    {%- set size = var('interval_minutes') * 60 -%}
    ({{ day_start(local_day(instant)) }} + interval '1 second' * cast(
        {{ int_div(seconds_between(day_start(local_day(instant)), instant), size) }} * {{ size }} as integer))
{%- endmacro %}

{% macro cutoff_at() -%} cast('{{ var("cutoff_at") }}' as timestamp with time zone) {%- endmacro %}
{% macro run_date() -%} cast('{{ var("run_date") }}' as date) {%- endmacro %}

{# First run date that may know of what became known at an instant: known_at < its cutoff. #}
{% macro known_on(instant) -%}
    {{ days_after(local_day(instant), 1) }}
{%- endmacro %}
