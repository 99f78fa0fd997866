{{ config(tags=['training']) }}

select as_of_on, {{ day_start('as_of_on') }} as as_of_at
from (
    {% for day in var('as_of_dates') -%}
    select cast('{{ day }}' as date) as as_of_on{{ ' union' if not loop.last }}
    {% endfor -%}
) as dates
