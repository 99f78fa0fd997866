{{ config(tags=['training']) }}

-- Windows are looked up by day: an equality join that both engines hash, where a range would be sorted.
select
    dates.as_of_on,
    dates.as_of_at,
    {{ days_after('dates.as_of_on', '-days.days_ago') }} as day_on,
    cast(days.days_ago as bigint) as days_ago,
    -- an experience counts half as much after each 30 days; whole numbers, so that their sums are exact
    {{ thousandths('power(0.5, (days.days_ago - 1) / cast(30 as double precision))') }} as fading_thousandths
from {{ ref('int_as_of_dates') }} as dates
cross join generate_series(1, 365) as days (days_ago)
