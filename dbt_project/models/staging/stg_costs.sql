{{ as_of('costs', cutoff_at(), run_date()) }}
