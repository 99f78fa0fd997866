{{ config(tags=['training']) }}

-- Windows are looked up by day: an equality join that both engines hash, where a range would be sorted.
select
    dates.as_of_on,
    dates.as_of_at,
    {{ days_after('dates.as_of_on', '-days.days_ago') }} as day_on,
    cast(days.days_ago as bigint) as days_ago
from {{ ref('int_as_of_dates') }} as dates
cross join generate_series(1, 365) as days (days_ago)
