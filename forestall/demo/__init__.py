"""A company to try forestall on.

Customers, contacts, service and leaving are drawn day by day from parameters with a seed and exported as
companies export; what is really so lies apart, for benchmarks and tests (docs/demo.md).
"""
