{{ as_of('agents', cutoff_at(), run_date()) }}
