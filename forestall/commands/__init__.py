"""The commands of `forestall`, by subject.

They read options, call one function elsewhere and show what it gave; a command imports what it needs when it
is called, so that `--help` stays quick.
"""
