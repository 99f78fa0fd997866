{# Whether a contact announces that the customer leaves (`announcing_topics`): no feature may come from it, for it tells
   of a decision that was taken, where a risk is about one that may yet be. #}
{% macro announces_leaving(topic) -%}
    {%- if var('announcing_topics') -%}
        coalesce(lower({{ topic }}) in (
            {%- for word in var('announcing_topics') %}'{{ word | lower | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor -%}
        ), false)
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}
