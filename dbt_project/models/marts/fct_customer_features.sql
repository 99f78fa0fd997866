{{ config(
    materialized='incremental', unique_key='as_of_on', full_refresh=var('is_rebuild') or none,
    on_schema_change='append_new_columns', tags=['training'],
    indexes=indexes_on([['as_of_on', 'customer_id']]),
    post_hook="delete from {{ this }} where {{ features_to_drop() }}"
) }}

{%- set counted = ['contact_count_7d', 'contact_count_30d', 'contact_count_90d', 'complaint_count_7d',
    'complaint_count_30d', 'complaint_count_90d', 'phone_count_30d', 'phone_count_90d', 'chat_count_30d',
    'chat_count_90d', 'written_count_30d', 'written_count_90d', 'self_service_count_30d', 'self_service_count_90d',
    'abandoned_count_30d', 'abandoned_count_90d', 'transfer_count_30d', 'transfer_count_90d', 'unresolved_count_30d',
    'unresolved_count_90d', 'repeat_count_30d', 'repeat_count_90d', 'missed_standard_count_30d',
    'missed_standard_count_90d', 'consultation_count_90d', 'feedback_count_90d', 'outbound_count_30d',
    'channel_count_90d', 'topic_count_90d'] %}
{%- set experienced = ['wait_time_s_mean_30d', 'wait_time_s_mean_90d', 'wait_time_s_max_90d', 'wait_time_s_change_30d',
    'handle_time_s_mean_90d', 'first_response_s_mean_90d', 'text_sentiment_mean_30d', 'text_sentiment_mean_90d',
    'text_sentiment_min_90d', 'text_sentiment_change_30d', 'days_since_last_contact', 'days_since_last_complaint',
    'days_since_last_abandoned'] %}
{%- set answered = ['csat_last', 'csat_mean_180d', 'csat_change', 'nps_last', 'nps_mean_180d', 'nps_change',
    'ces_last', 'ces_mean_180d', 'survey_sentiment_mean_180d', 'survey_sentiment_min_180d', 'survey_sentiment_change'] %}
{%- set done = ['active_day_count_30d', 'activity_count_30d', 'activity_value_30d', 'active_day_count_90d',
    'activity_count_90d', 'activity_value_90d', 'active_day_count_180d', 'activity_count_180d', 'activity_value_180d',
    'active_day_count_365d', 'activity_count_365d', 'activity_value_365d', 'return_count_90d', 'return_count_365d',
    'return_value_365d', 'days_since_last_activity', 'activity_tenure_days', 'activity_gap_days_mean',
    'activity_gap_days_std', 'activity_overdue_ratio', 'active_day_change_30d', 'activity_day_value_change_90d',
    'activity_day_value_mean_365d', 'activity_kind_count_365d'] %}

-- A customer without contacts has had none (0); what was never measured stays null.
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
    subscriptions.subscription_age_days,
    coalesce(subscriptions.ended_subscription_count_365d, 0) as ended_subscription_count_365d,
    coalesce(subscriptions.plan_change_count_365d, 0) as plan_change_count_365d,
    {%- for name in counted %}
    coalesce(contacts.{{ name }}, 0) as {{ name }},
    {%- endfor %}
    coalesce(contacts.contact_change_30d, 0) as contact_change_30d,
    {%- for name in experienced %}
    contacts.{{ name }},
    {%- endfor %}
    coalesce(surveys.survey_count_90d, 0) as survey_count_90d,
    coalesce(surveys.low_csat_count_90d, 0) as low_csat_count_90d,
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
