{{ as_of('backlog', cutoff_at(), run_date()) }}
