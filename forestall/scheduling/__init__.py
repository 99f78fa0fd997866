"""How a night is run and watched: steps and their records, Airflow, progress, the closing table."""
