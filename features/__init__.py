"""What is known about customers and queues, and when: contracts, calendar, labels, training sets, gates.

Values in, values out: nothing here opens a file, a connection or a clock.
"""
