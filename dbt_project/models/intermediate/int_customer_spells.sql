-- The spells of a unit are those of its customers.
{% if var('churn_rule') != 'inactivity' -%}
with holders as (
    select customer_id from {{ ref('stg_subscriptions') }}
    union
    -- who gave theirs away is a customer of the past all the same
    select customer_id from {{ ref('int_subscription_versions') }}
    where valid_from < {{ cutoff_at() }} and started_at < {{ cutoff_at() }}
),

units as (
    select
        holders.customer_id,
        {{ 'coalesce(customers.account_id, holders.customer_id)' if var('churn_level') == 'account'
           else 'holders.customer_id' }} as unit_id
    from holders
    left join {{ ref('stg_customers') }} as customers on customers.customer_id = holders.customer_id
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
