"""Who will leave, and how many contacts will come. Values in, values out; `tracking` alone reaches MLflow."""
