{{ as_of('agent_time', cutoff_at(), run_date()) }}
