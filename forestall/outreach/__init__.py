"""The outreach list: whom to call, with what, and why; whom not, and by which rule.

Expected value, triggers, filters and the random holdout; the list is as long as its minutes and its budget.
Values in, values out: only the reviewed playbook is read here, the rest is the job's.
"""
