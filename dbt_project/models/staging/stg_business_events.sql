{{ as_of('business_events', cutoff_at(), run_date()) }}
