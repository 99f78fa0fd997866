{{ config(
    materialized='incremental', unique_key='as_of_on', full_refresh=var('is_rebuild') or none,
    on_schema_change='append_new_columns', tags=['training'],
    indexes=indexes_on([['as_of_on', 'customer_id']]),
    post_hook="delete from {{ this }} where {{ features_to_drop() }}"
) }}

{%- set channels = ['phone', 'chat', 'written', 'self_service', 'in_person'] %}
{%- set stages = ['reception', 'consultation', 'complaint', 'feedback'] %}
{%- set counted = ['outbound_count_30d', 'channel_count_90d', 'topic_count_90d', 'repeat_other_channel_count_90d',
    'problem_contact_count_max_90d', 'unresolved_problem_count_90d', 'contact_count_faded_90d', 'complaint_count_faded_90d',
    'repeat_count_faded_90d'] %}
{%- for days in (7, 30, 90) %}
    {%- for name in ['contact'] + channels + stages + ['abandoned', 'transfer', 'unresolved', 'repeat', 'reopened', 'missed_standard'] %}
        {%- do counted.append(name ~ '_count_' ~ days ~ 'd') %}
    {%- endfor %}
{%- endfor %}
{%- for name in ['contact'] + channels + stages + ['abandoned', 'missed_standard'] %}
    {%- do counted.append(name ~ '_change_30d') %}
{%- endfor %}
{%- set experienced = ['wait_time_s_mean_7d', 'wait_time_s_mean_30d', 'wait_time_s_mean_90d', 'wait_time_s_max_90d',
    'wait_time_s_faded_90d', 'wait_time_s_change_30d', 'handle_time_s_mean_90d', 'first_response_s_mean_90d',
    'text_sentiment_mean_7d', 'text_sentiment_mean_30d', 'text_sentiment_mean_90d', 'text_sentiment_min_90d',
    'text_sentiment_change_30d', 'unresolved_problem_age_days', 'unresolved_complaint_age_days', 'contact_topics'] %}
{%- for name in ['contact'] + channels + stages + ['abandoned', 'missed_standard'] %}
    {%- do experienced.append('days_since_last_' ~ name) %}
{%- endfor %}
{%- set answered = ['survey_sentiment_mean_180d', 'survey_sentiment_min_180d', 'survey_sentiment_change'] %}
{%- for kind in ('csat', 'nps', 'ces') %}
    {%- do answered.extend([kind ~ '_last', kind ~ '_mean_180d', kind ~ '_change', 'days_since_last_' ~ kind]) %}
{%- endfor %}
{%- set done = ['return_count_90d', 'return_count_365d', 'return_value_365d', 'days_since_last_activity', 'activity_tenure_days',
    'activity_gap_days_mean', 'activity_gap_days_median', 'activity_gap_days_max', 'activity_gap_days_std', 'activity_gap_variation',
    'activity_overdue_ratio', 'activity_overdue_days', 'activity_silent_share', 'active_day_change_30d', 'activity_count_change_30d',
    'activity_value_change_30d', 'active_day_ratio_7d', 'active_day_ratio_30d', 'active_day_ratio_90d', 'active_day_surprise_30d', 'active_day_surprise_90d', 'active_day_count_faded_365d',
    'active_days_a_month_365d', 'active_week_count_91d', 'active_day_count_season', 'activity_day_count_mean_365d',
    'activity_day_value_change_90d', 'activity_day_value_mean_365d', 'activity_kind_count_365d'] %}
{%- for days in (7, 30, 90, 180, 365) %}
    {%- do done.extend(['active_day_count_' ~ days ~ 'd', 'activity_count_' ~ days ~ 'd', 'activity_value_' ~ days ~ 'd']) %}
{%- endfor %}
{#- Of the others of the account: whole numbers, whose sums are the same in any order. -#}
{%- set shared = ['tenure_days', 'days_to_renewal', 'contact_count_90d', 'complaint_count_90d', 'abandoned_count_90d', 'unresolved_count_30d',
    'unresolved_problem_count_90d', 'repeat_count_90d', 'wait_time_s_max_90d', 'late_payment_count_90d', 'failed_payment_count_90d',
    'active_day_count_90d', 'days_since_last_contact'] %}

-- A customer without contacts has had none (0); what was never measured stays null.
with own as (
    select
        population.customer_id,
        population.as_of_on,
        population.account_id,
        true as is_active,
        population.is_under_notice,
        population.is_profiling_allowed,
        population.is_contacted_recently,
        cast({{ var('is_training') }} as boolean) as is_training,
        population.segment,
        population.region,
        population.language,
        population.preferred_channel,
        population.attributes,
        subscriptions.plan,
        {{ days_between(local_day('coalesce(population.signed_up_at, subscriptions.first_started_at)'), 'population.as_of_on') }} as tenure_days,
        coalesce(subscriptions.subscription_count, 0) as subscription_count,
        subscriptions.monthly_value,
        subscriptions.monthly_margin,
        subscriptions.days_to_renewal,
        subscriptions.term_months,
        subscriptions.term_left_share,
        subscriptions.days_since_plan_change,
        subscriptions.subscription_age_days,
        coalesce(subscriptions.ended_subscription_count_365d, 0) as ended_subscription_count_365d,
        coalesce(subscriptions.plan_change_count_365d, 0) as plan_change_count_365d,
        {%- for name in counted %}
        coalesce(contacts.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for name in experienced %}
        contacts.{{ name }},
        {%- endfor %}
        coalesce(surveys.survey_count_90d, 0) as survey_count_90d,
        coalesce(surveys.low_csat_count_90d, 0) as low_csat_count_90d,
        coalesce(surveys.survey_count_change_90d, 0) as survey_count_change_90d,
        {%- for name in answered %}
        surveys.{{ name }},
        {%- endfor %}
        {%- for name in ['invoice_count_90d', 'invoice_count_365d', 'late_payment_count_90d', 'late_payment_count_365d',
                         'failed_payment_count_30d', 'failed_payment_count_90d', 'unpaid_count_365d', 'unpaid_amount_365d'] %}
        coalesce(payments.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        payments.days_late_mean_365d,
        payments.billed_amount_last_365d,
        payments.billed_amount_change_365d,
        payments.days_since_billed_rise,
        payments.billed_rise_ratio_365d,
        payments.days_since_late_payment,
        payments.days_late_faded_365d,
        {%- for name in done %}
        activity.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_population') }} as population
    left join {{ ref('int_subscription_features') }} as subscriptions
        on subscriptions.as_of_on = population.as_of_on and subscriptions.customer_id = population.customer_id
    left join {{ ref('int_contact_features') }} as contacts
        on contacts.as_of_on = population.as_of_on and contacts.customer_id = population.customer_id
    left join {{ ref('int_survey_features') }} as surveys
        on surveys.as_of_on = population.as_of_on and surveys.customer_id = population.customer_id
    left join {{ ref('int_payment_features') }} as payments
        on payments.as_of_on = population.as_of_on and payments.customer_id = population.customer_id
    left join {{ ref('int_activity_features') }} as activity
        on activity.as_of_on = population.as_of_on and activity.customer_id = population.customer_id
),

-- Who refuses profiling tells nothing of others either.
accounts as (
    select
        as_of_on,
        account_id,
        count(*) as customer_count,
        {%- for name in shared %}
        sum({{ name }}) filter (where coalesce(is_profiling_allowed, true)) as {{ name }},
        count({{ name }}) filter (where coalesce(is_profiling_allowed, true)) as {{ name }}_known{{ ',' if not loop.last }}
        {%- endfor %}
    from own
    group by as_of_on, account_id
    having count(*) > 1
)

select
    own.*,
    coalesce(accounts.customer_count, 1) as account_customer_count,
    {%- for name in shared %}
    {%- set is_told = 'coalesce(own.is_profiling_allowed, true) and own.' ~ name ~ ' is not null' %}
    cast(accounts.{{ name }} - case when {{ is_told }} then own.{{ name }} else 0 end as double precision)
        / nullif(accounts.{{ name }}_known - case when {{ is_told }} then 1 else 0 end, 0) as account_others_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from own
left join accounts on accounts.as_of_on = own.as_of_on and accounts.account_id = own.account_id
