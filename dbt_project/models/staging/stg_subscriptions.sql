{{ as_of('subscriptions', cutoff_at(), run_date()) }}
