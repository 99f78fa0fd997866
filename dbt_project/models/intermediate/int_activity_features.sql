{{ config(tags=['training']) }}

{%- set windows = (7, 30, 90, 180, 365) %}

-- A year of activity before each as-of date, in the versions valid then.
with activity as (
    select
        days.as_of_on,
        days.day_on,
        days.days_ago,
        days.fading_thousandths,
        versions.customer_id,
        versions.kind,
        versions.is_counted,
        coalesce(versions.event_count, 1) as event_count,
        coalesce(versions.value, 0) as value
    from {{ ref('int_as_of_days') }} as days
    inner join {{ ref('int_activity_versions') }} as versions on versions.occurred_on = days.day_on
    where {{ valid_at('versions', 'days.as_of_at') }} and {{ is_sampled('versions.customer_id') }}
),

active_days as (
    select
        as_of_on,
        customer_id,
        days_ago,
        fading_thousandths,
        bool_or(is_counted) as is_active,
        {{ total('event_count', 'is_counted') }} as event_count,
        {{ total_money('value', 'is_counted') }} as value,
        {{ total('event_count', "kind = 'return'") }} as return_count,
        {{ total_money('value', "kind = 'return'") }} as return_value
    from activity
    group by as_of_on, customer_id, days_ago, fading_thousandths
),

gaps as (
    select
        active_days.*,
        case when is_active then lag(days_ago) over (
            partition by as_of_on, customer_id, is_active order by days_ago desc
        ) - days_ago end as gap_days
    from active_days
),

kinds as (
    select as_of_on, customer_id, cast(count(distinct kind) as bigint) as activity_kind_count_365d
    from activity
    group by as_of_on, customer_id
),

-- Since when at all: the year is too short for that.
beginnings as (
    select dates.as_of_on, versions.customer_id, min(versions.occurred_on) as first_active_on
    from {{ ref('int_as_of_dates') }} as dates
    inner join {{ ref('int_activity_versions') }} as versions
        on versions.occurred_on < dates.as_of_on and {{ valid_at('versions', 'dates.as_of_at') }}
    where versions.is_counted
    group by dates.as_of_on, versions.customer_id
),

aggregated as (
    select
        as_of_on,
        customer_id,
        {%- for days in windows %}
        {{ number_of('is_active and days_ago <= ' ~ days) }} as active_day_count_{{ days }}d,
        {{ total('event_count', 'days_ago <= ' ~ days) }} as activity_count_{{ days }}d,
        {{ total_money('value', 'days_ago <= ' ~ days) }} as activity_value_{{ days }}d,
        {%- endfor %}
        {{ total('return_count', 'days_ago <= 90') }} as return_count_90d,
        {{ total('return_count') }} as return_count_365d,
        {{ total_money('-return_value') }} as return_value_365d,
        cast(min(days_ago) filter (where is_active) as bigint) as days_since_last_activity,
        {{ mean('gap_days') }} as activity_gap_days_mean,
        case when count(gap_days) > 1 then sqrt(greatest(
            (cast(sum(gap_days * gap_days) as double precision)
                - cast(sum(gap_days) as double precision) * cast(sum(gap_days) as double precision)
                / cast(count(gap_days) as double precision)) / cast(count(gap_days) - 1 as double precision),
            0)) end as activity_gap_days_std,
        percentile_cont(0.5) within group (order by gap_days) as activity_gap_days_median,
        cast(max(gap_days) as bigint) as activity_gap_days_max,
        {{ ratio('sum(fading_thousandths) filter (where is_active)', '1000') }} as active_day_count_faded_365d,
        cast(count(distinct {{ int_div('days_ago - 1', '7') }}) filter (where is_active and days_ago <= 91) as bigint)
            as active_week_count_91d,
        -- the quarter that followed this day of last year
        {{ number_of('is_active and days_ago >= 275') }} as active_day_count_season,
        -- active days of the last 30 days against the mean of the two months before
        cast(count(*) filter (where is_active and days_ago <= 30) as double precision)
            - cast(count(*) filter (where is_active and days_ago between 31 and 90) as double precision) / 2
            as active_day_change_30d,
        -- value of an active day, last 90 days against the rest of the year
        {{ ratio('sum(value) filter (where days_ago <= 90)', 'count(*) filter (where is_active and days_ago <= 90)') }}
            - {{ ratio('sum(value) filter (where days_ago > 90)', 'count(*) filter (where is_active and days_ago > 90)') }}
            as activity_day_value_change_90d,
        {{ ratio('sum(value)', 'count(*) filter (where is_active)') }} as activity_day_value_mean_365d
    from gaps
    group by as_of_on, customer_id
),

-- Of the days since the first activity, a year at most: who came last month is not compared with who came last year.
followed as (
    select
        beginnings.*,
        {{ days_between('first_active_on', 'as_of_on') }} as activity_tenure_days,
        least({{ days_between('first_active_on', 'as_of_on') }}, 365) as followed_days
    from beginnings
),

-- Active days at the customer's own rate before; null where there were none.
expected as (
    select
        followed.*,
        {%- for days in (7, 30, 90) %}
        nullif({{ ratio(days ~ ' * (aggregated.active_day_count_365d - aggregated.active_day_count_' ~ days ~ 'd)',
                        'greatest(followed.followed_days - ' ~ days ~ ', 0)') }}, 0) as usual_days_{{ days }}d{{ ',' if not loop.last }}
        {%- endfor %}
    from followed
    left join aggregated on aggregated.as_of_on = followed.as_of_on and aggregated.customer_id = followed.customer_id
)

select
    expected.as_of_on,
    expected.customer_id,
    expected.activity_tenure_days,
    {%- for days in windows %}
    aggregated.active_day_count_{{ days }}d,
    aggregated.activity_count_{{ days }}d,
    aggregated.activity_value_{{ days }}d,
    {%- endfor %}
    aggregated.return_count_90d,
    aggregated.return_count_365d,
    aggregated.return_value_365d,
    aggregated.days_since_last_activity,
    aggregated.activity_gap_days_mean,
    aggregated.activity_gap_days_std,
    -- silent for how many of its usual gaps, and by how many days beyond one
    {{ ratio('aggregated.days_since_last_activity', 'aggregated.activity_gap_days_mean') }} as activity_overdue_ratio,
    aggregated.active_day_change_30d,
    aggregated.activity_day_value_change_90d,
    aggregated.activity_day_value_mean_365d,
    kinds.activity_kind_count_365d,
    cast(aggregated.days_since_last_activity as double precision) - aggregated.activity_gap_days_mean as activity_overdue_days,
    aggregated.activity_gap_days_median,
    aggregated.activity_gap_days_max,
    {{ ratio('aggregated.activity_gap_days_std', 'aggregated.activity_gap_days_mean') }} as activity_gap_variation,
    aggregated.active_day_count_faded_365d,
    aggregated.active_week_count_91d,
    case when expected.first_active_on <= {{ days_after('expected.as_of_on', -365) }}
        then aggregated.active_day_count_season end as active_day_count_season,
    {{ change_30d('aggregated.activity_count') }} as activity_count_change_30d,
    {{ change_30d('aggregated.activity_value') }} as activity_value_change_30d,
    {{ ratio('aggregated.activity_count_365d', 'aggregated.active_day_count_365d') }} as activity_day_count_mean_365d,
    {{ ratio('30 * aggregated.active_day_count_365d', 'expected.followed_days') }} as active_days_a_month_365d,
    {{ ratio('aggregated.days_since_last_activity', 'expected.followed_days') }} as activity_silent_share
    {%- for days in (7, 30, 90) %},
    aggregated.active_day_count_{{ days }}d / expected.usual_days_{{ days }}d as active_day_ratio_{{ days }}d
    {%- endfor %}
    {%- for days in (30, 90) %},
    -- in standard deviations of a count by chance: three days where nine were usual is -2
    (aggregated.active_day_count_{{ days }}d - expected.usual_days_{{ days }}d) / sqrt(expected.usual_days_{{ days }}d)
        as active_day_surprise_{{ days }}d
    {%- endfor %}
from expected
left join aggregated on aggregated.as_of_on = expected.as_of_on and aggregated.customer_id = expected.customer_id
left join kinds on kinds.as_of_on = expected.as_of_on and kinds.customer_id = expected.customer_id
