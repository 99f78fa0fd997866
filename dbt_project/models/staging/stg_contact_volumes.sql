{{ as_of('contact_volumes', cutoff_at(), run_date()) }}
