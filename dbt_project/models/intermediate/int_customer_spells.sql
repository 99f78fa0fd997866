-- The spells of a unit are those of its customers.
{% if var('churn_rule') != 'inactivity' -%}
with units as (
    select distinct
        subscriptions.customer_id,
        {{ 'coalesce(customers.account_id, subscriptions.customer_id)' if var('churn_level') == 'account'
           else 'subscriptions.customer_id' }} as unit_id
    from {{ ref('stg_subscriptions') }} as subscriptions
    left join {{ ref('stg_customers') }} as customers on customers.customer_id = subscriptions.customer_id
)

{% endif -%}
select
    {{ 'spells.unit_id' if var('churn_rule') == 'inactivity' else 'units.customer_id' }} as customer_id,
    spells.spell_number,
    {{ local_day('spells.started_at') }} as started_on,
    spells.left_on,
    coalesce(spells.left_on, {{ local_day('spells.ended_at') }}) as gone_on,
    spells.is_involuntary
from {{ ref('int_spells') }} as spells
{%- if var('churn_rule') != 'inactivity' %}
inner join units on units.unit_id = spells.unit_id
{%- endif %}
