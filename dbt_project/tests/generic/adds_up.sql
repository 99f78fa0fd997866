{# In every row the parts make the whole; `is_at_most`: what belongs to no part may be left over. #}
{% test adds_up(model, whole, parts, is_at_most=false) %}
select *
from {{ model }}
where {% for part in parts %}coalesce({{ part }}, 0){{ ' + ' if not loop.last }}{% endfor %} {{ '>' if is_at_most else '<>' }} coalesce({{ whole }}, 0)
{% endtest %}
