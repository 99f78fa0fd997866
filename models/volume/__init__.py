"""How many contacts come in each interval, and how sure that is.

A daily model times the shape of a day, beside rivals; past cutoffs say which of them is published.
"""
