{{ as_of('consents', cutoff_at(), run_date()) }}
