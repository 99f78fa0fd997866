"""The staffing plan: how many agents each queue takes in each interval.

Queueing for those who wait, deferred work for what may wait, shrinkage, patience, and the uncertainty of the
forecast. Values in, values out: only the reviewed standards are read here, the rest is the job's.
"""
