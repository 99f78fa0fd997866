{{ as_of('customers', cutoff_at(), run_date()) }}
