{# What DuckDB and PostgreSQL say differently is said here, and nowhere else. #}

{# Quotient of two whole numbers, rounded towards zero. #}
{% macro int_div(numerator, denominator) -%}
    {{ adapter.dispatch('int_div')(numerator, denominator) }}
{%- endmacro %}
{% macro default__int_div(numerator, denominator) -%} (({{ numerator }}) / ({{ denominator }})) {%- endmacro %}
{% macro duckdb__int_div(numerator, denominator) -%} (({{ numerator }}) // ({{ denominator }})) {%- endmacro %}

{# Text that sorts by its bytes: a database's own collation would order it otherwise. #}
{% macro bytewise(text) -%}
    {{ adapter.dispatch('bytewise')(text) }}
{%- endmacro %}
{% macro default__bytewise(text) -%} ({{ text }}) collate "C" {%- endmacro %}
{% macro duckdb__bytewise(text) -%} {{ text }} {%- endmacro %}

{# Indexes on PostgreSQL; DuckDB prunes by the minimum and maximum of each row group instead. #}
{% macro indexes_on(column_lists) -%}
    {%- set found = [] -%}
    {%- if target.type == 'postgres' -%}
        {%- for columns in column_lists -%}{%- do found.append({'columns': columns}) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}
