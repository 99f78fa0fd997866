"""What comes in: a reader for each kind of source, and one path from its rows to the contract's.

Rows are mapped and judged, people replaced by pseudonyms, and every version is kept with the instant since
which it could be known.
"""
