{# The service standards of `standards.yml`, handed in resolved: for each channel, and for each queue that differs. #}

{# Seconds promised for a contact of `alias` (`threshold_s` or `first_response_s`); null where nothing is. #}
{% macro standard(alias, measure) -%}
    {%- set whens = [] -%}
    {%- for queue, channels in var('standards')['queues'].items() -%}
        {%- for channel, promised in channels.items() -%}
            {%- do whens.append("when " ~ alias ~ ".queue = '" ~ queue | replace("'", "''") ~ "' and " ~ alias
                    ~ ".channel = '" ~ channel ~ "' then " ~ (promised[measure] if promised[measure] is not none else 'null')) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for channel, promised in var('standards')['channels'].items() -%}
        {%- if promised[measure] is not none -%}
            {%- do whens.append("when " ~ alias ~ ".channel = '" ~ channel ~ "' then " ~ promised[measure]) -%}
        {%- endif -%}
    {%- endfor -%}
    cast({% if whens %}case {{ whens | join(' ') }} end{% else %}null{% endif %} as bigint)
{%- endmacro %}

{# Whether a contact was served within its standard, by wait where customers wait, by first response otherwise;
   null where nothing was promised. #}
{% macro within_standard(alias) -%}
    {%- set wait = 'coalesce(' ~ alias ~ '.wait_time_s, ' ~ seconds_between(alias ~ '.started_at', alias ~ '.taken_at') ~ ')' -%}
    {%- set response = seconds_between(alias ~ '.started_at', alias ~ '.responded_at') -%}
    case
        when {{ standard(alias, 'threshold_s') }} is not null
            then coalesce({{ alias }}.is_served and {{ wait }} <= {{ standard(alias, 'threshold_s') }}, false)
        when {{ standard(alias, 'first_response_s') }} is not null
            then coalesce({{ alias }}.is_served and {{ response }} <= {{ standard(alias, 'first_response_s') }}, false)
    end
{%- endmacro %}

{# The channel of a queue that does not say: what `standards.yml` says, otherwise phone. #}
{% macro channel_of(alias) -%}
    coalesce({{ alias }}.channel
        {%- for queue, channel in var('standards')['queue_channels'].items() -%}
        , case when {{ alias }}.queue = '{{ queue | replace("'", "''") }}' then '{{ channel }}' end
        {%- endfor -%}
        , 'phone')
{%- endmacro %}
