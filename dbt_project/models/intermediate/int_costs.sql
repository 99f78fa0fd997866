-- What a contact and a minute cost in a channel from one day to the next change. Minutes of a channel that has
-- no price of its own cost what an agent's do.
with costs as (select * from {{ ref('stg_costs') }}),

changes as (
    select distinct channels.channel, costs.starts_on
    from (
        {% for channel in ['phone', 'chat', 'email', 'web_form', 'social', 'in_person', 'self_service'] -%}
        select '{{ channel }}' as channel{{ ' union all' if not loop.last }}
        {% endfor -%}
    ) as channels
    inner join costs on costs.kind = channels.channel or (costs.kind = 'agent' and channels.channel <> 'self_service')
),

latest as (
    select
        changes.channel,
        changes.starts_on,
        costs.kind,
        costs.per_contact,
        costs.per_minute,
        row_number() over (partition by changes.channel, changes.starts_on, costs.kind order by costs.starts_on desc) as recency
    from changes
    inner join costs
        on costs.starts_on <= changes.starts_on
        and (costs.kind = changes.channel or (costs.kind = 'agent' and changes.channel <> 'self_service'))
)

select
    channel,
    starts_on,
    lead(starts_on, 1, cast('9999-12-31' as date)) over (partition by channel order by starts_on) as until_on,
    cast(coalesce(max(per_contact) filter (where kind <> 'agent'), 0) as decimal(18, 4)) as per_contact,
    cast(coalesce(max(per_minute) filter (where kind <> 'agent'), max(per_minute) filter (where kind = 'agent'), 0)
        as decimal(18, 4)) as per_minute
from latest
where recency = 1
group by channel, starts_on
