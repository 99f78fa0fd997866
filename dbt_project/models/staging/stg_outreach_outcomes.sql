{{ as_of('outreach_outcomes', cutoff_at(), run_date()) }}
