{{ as_of('activity', cutoff_at(), run_date()) }}
