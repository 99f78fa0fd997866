"""Who is likely to leave, by when, and what speaks for it."""
