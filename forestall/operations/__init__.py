"""What keeps forestall running between nights: a company founded, alerts, doctor, prune, backup and restore."""
