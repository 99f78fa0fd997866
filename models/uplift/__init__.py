"""Whom an action keeps: an effect for each customer, learned from randomised outcomes and judged on others."""
