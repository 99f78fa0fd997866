{{ as_of('evaluations', cutoff_at(), run_date()) }}
