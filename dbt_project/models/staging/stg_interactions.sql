{{ as_of('interactions', cutoff_at(), run_date()) }}
