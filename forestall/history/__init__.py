"""The past as models learn from it and are measured by it: customers, contacts, and earlier forecasts."""
