"""Pseudonyms, the vault of names, and the ways in which a customer is forgotten or seen again."""
