{{ as_of('payments', cutoff_at(), run_date()) }}
