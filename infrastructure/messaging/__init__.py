"""Message brokers: one delivery engine (lanes, retries, dead letters, commits), a folder for each backend."""
