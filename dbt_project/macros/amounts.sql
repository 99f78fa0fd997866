{# Sums and means that come out the same on every run and on both engines: whole numbers are added, never floats. #}

{# Sum of whole numbers as BIGINT (DuckDB would give HUGEINT, PostgreSQL NUMERIC); `condition` filters. #}
{% macro total(expression, condition=none) -%}
    cast(coalesce(sum({{ expression }}){% if condition %} filter (where {{ condition }}){% endif %}, 0) as bigint)
{%- endmacro %}

{# The same for money. #}
{% macro total_money(expression, condition=none) -%}
    cast(coalesce(sum({{ expression }}){% if condition %} filter (where {{ condition }}){% endif %}, 0) as decimal(18, 4))
{%- endmacro %}

{# How many rows; `condition` filters. #}
{% macro number_of(condition) -%}
    cast(count(*) filter (where {{ condition }}) as bigint)
{%- endmacro %}

{# Quotient as a float, null where the denominator is zero or null. #}
{% macro ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double precision) / nullif(cast({{ denominator }} as double precision), 0))
{%- endmacro %}

{# Mean of whole numbers as a float. #}
{% macro mean(expression, condition='true') -%}
    {{ ratio('sum(' ~ expression ~ ') filter (where ' ~ condition ~ ')',
             'count(' ~ expression ~ ') filter (where ' ~ condition ~ ')') }}
{%- endmacro %}

{# A number with three decimals as a whole number, so that it can be added. Ties go up on both engines. #}
{% macro thousandths(number) -%}
    cast(floor({{ number }} * 1000 + 0.5) as bigint)
{%- endmacro %}

{# Money divided by a count, to four decimals, in whole numbers throughout; wide ones, for the sums of large companies. #}
{% macro money_per(money, count) -%}
    cast(cast({{ int_div('2 * cast(cast(' ~ money ~ ' as decimal(38, 4)) * 10000 as bigint) + (' ~ count ~ ')',
                         'nullif(2 * (' ~ count ~ '), 0)') }} as decimal(30, 4)) * 0.0001 as decimal(18, 4))
{%- endmacro %}

{# What the last 30 days have more than the two months before had a month, from a count over 30 and over 90 days. #}
{% macro change_30d(count) -%}
    cast({{ count }}_30d as double precision) - cast({{ count }}_90d - {{ count }}_30d as double precision) / 2
{%- endmacro %}
