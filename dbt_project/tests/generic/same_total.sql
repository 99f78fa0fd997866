{# The sum of a column is that of another model's, up to a condition on the latter: nothing lost, nothing counted twice. #}
{% test same_total(model, column, of, of_column=none, of_where='true') %}
select *
from (select cast(coalesce(sum({{ column }}), 0) as decimal(28, 4)) as found from {{ model }}) as ours
cross join (
    select cast(coalesce(sum({{ of_column or column }}), 0) as decimal(28, 4)) as wanted from {{ of }} where {{ of_where }}
) as theirs
where found <> wanted
{% endtest %}
