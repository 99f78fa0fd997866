{{ as_of('surveys', cutoff_at(), run_date()) }}
