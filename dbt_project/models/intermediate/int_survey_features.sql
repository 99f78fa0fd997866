{{ config(tags=['training']) }}

with answers as (
    select
        days.as_of_on,
        days.days_ago,
        versions.customer_id,
        versions.kind,
        versions.score,
        {{ thousandths('versions.comment_sentiment') }} as sentiment_thousandths,
        row_number() over (
            partition by days.as_of_on, versions.customer_id, versions.kind
            order by versions.answered_at desc, {{ bytewise('versions.survey_id') }}
        ) as recency,
        -- whatever was asked, a comment is a comment
        case when versions.comment_sentiment is not null then row_number() over (
            partition by days.as_of_on, versions.customer_id, versions.comment_sentiment is null
            order by versions.answered_at desc, {{ bytewise('versions.survey_id') }}
        ) end as comment_recency
    from {{ ref('int_as_of_days') }} as days
    inner join {{ ref('int_survey_versions') }} as versions on versions.answered_on = days.day_on
    where days.days_ago <= 180
        and versions.customer_id is not null
        and {{ valid_at('versions', 'days.as_of_at') }}
)

select
    as_of_on,
    customer_id,
    {{ number_of('days_ago <= 90') }} as survey_count_90d,
    {%- for kind in ('csat', 'nps', 'ces') %}
    cast(max(score) filter (where kind = '{{ kind }}' and recency = 1) as bigint) as {{ kind }}_last,
    {{ mean('score', "kind = '" ~ kind ~ "'") }} as {{ kind }}_mean_180d,
    -- the last answer against the mean of those before it
    cast(max(score) filter (where kind = '{{ kind }}' and recency = 1) as double precision)
        - {{ mean('score', "kind = '" ~ kind ~ "' and recency > 1") }} as {{ kind }}_change,
    cast(min(days_ago) filter (where kind = '{{ kind }}') as bigint) as days_since_last_{{ kind }},
    {%- endfor %}
    -- who used to answer and answers no more has fallen silent
    {{ number_of('days_ago <= 90') }} - {{ number_of('days_ago > 90') }} as survey_count_change_90d,
    {{ number_of("kind = 'csat' and score <= 2 and days_ago <= 90") }} as low_csat_count_90d,
    {{ mean('sentiment_thousandths') }} / 1000 as survey_sentiment_mean_180d,
    cast(min(sentiment_thousandths) as double precision) / 1000 as survey_sentiment_min_180d,
    (
        cast(max(sentiment_thousandths) filter (where comment_recency = 1) as double precision)
        - {{ mean('sentiment_thousandths', 'comment_recency > 1') }}
    ) / 1000 as survey_sentiment_change
from answers
group by as_of_on, customer_id
