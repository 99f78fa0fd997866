{{ config(materialized='incremental', unique_key='interaction_id',
          indexes=indexes_on([['interaction_id'], ['started_on'], ['known_on'],
                              ['replaced_on'], ['served_known_on'], ['pull_id']])) }}

with versions as not materialized ({{ versions('interactions') }}),

-- Where customers wait, a wait and a talk say when it was taken, if the source does not.
taken as not materialized (
    select
        versions.*,
        {{ standard('versions', 'threshold_s') }} is not null as is_live,
        coalesce(
            answered_at,
            case when {{ standard('versions', 'threshold_s') }} is not null and not coalesce(is_abandoned, false) and handle_time_s > 0
                then started_at + wait_time_s * interval '1 second' end
        ) as taken_at
    from versions
),

measured as not materialized (
    select
        taken.*,
        coalesce(direction, 'inbound') = 'inbound' as is_inbound,
        coalesce(is_abandoned, false) as has_given_up,
        coalesce(is_abandoned, false) and coalesce(wait_time_s, 0) < {{ var('short_abandon_s') }} as has_given_up_at_once,
        coalesce(first_response_at, taken_at) as responded_at,
        -- Served by what its standard is judged by: an agent who takes a letter has not answered it. Nobody answers
        -- for a machine: self-service is served as soon as it begins.
        coalesce(
            case when not is_live then first_response_at end,
            taken_at, first_response_at, case when channel = 'self_service' then started_at end
        ) as served_at,
        coalesce(topic, stage, '') as problem,
        {{ local_day('started_at') }} as started_on,
        {{ interval_start('started_at') }} as interval_start_at
    from taken
),

served as not materialized (
    select
        measured.*,
        not has_given_up and (served_at is not null or coalesce(handle_time_s, 0) > 0) as is_served,
        {{ known_on('valid_from') }} as known_on,
        case when valid_to < {{ never() }} then {{ known_on('valid_to') }} end as replaced_on
    from measured
),

-- A redial is a contact of the same customer in the same queue within half an hour of giving up, as known
-- when the contact was: fixed with the version, so that what was once counted is taken back exactly.
redials as (
    select distinct served.interaction_id, served.valid_from
    from served
    inner join {{ source('raw', 'interactions') }} as before
        on before.customer_id = served.customer_id and before.queue = served.queue
    where before.is_abandoned
        and served.is_inbound
        and before.interaction_id <> served.interaction_id
        and before.started_at < served.started_at
        and before.started_at >= served.started_at - interval '30 minutes'
        and before.known_at <= served.valid_from
)

select
    served.*,
    {{ within_standard('served') }} as is_in_standard,
    -- that it was served is known when it was, if the version still stands by then
    case when is_served and (served_at is null or served_at < valid_to)
        then {{ known_on('greatest(served.valid_from, served_at)') }} end as served_known_on,
    redials.interaction_id is not null as is_redial
from served
left join redials on redials.interaction_id = served.interaction_id and redials.valid_from = served.valid_from
