-- Contacts of the 90 days before the run date, as known at its cutoff.
select
    versions.interaction_id,
    versions.customer_id,
    versions.channel,
    versions.stage,
    versions.topic,
    versions.product,
    versions.started_at,
    versions.started_on,
    versions.answered_at,
    versions.wait_time_s,
    versions.is_inbound,
    versions.has_given_up,
    {{ announces_leaving('versions.topic') }} as is_announcement,
    {{ days_between('versions.started_on', run_date()) }} as days_ago,
    {{ seconds_between('versions.started_at', cutoff_at()) }} as age_s,
    {{ standard('versions', 'first_response_s') }} as response_standard_s,
    case when versions.responded_at < {{ cutoff_at() }}
        then {{ seconds_between('versions.started_at', 'versions.responded_at') }} end as response_s,
    not versions.is_served or coalesce(versions.served_at >= {{ cutoff_at() }}, false) as is_waiting,
    coalesce(versions.resolved_at < {{ cutoff_at() }}, false) as is_settled
from {{ ref('int_interaction_versions') }} as versions
where versions.started_on >= {{ days_after(run_date(), -90) }}
    and versions.started_on < {{ run_date() }}
    and {{ valid_at('versions', cutoff_at()) }}
