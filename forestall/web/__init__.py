"""The page that people open in the morning.

It is made from a published night alone (or the gates of one that was stopped), is one file, and needs no network.
"""
