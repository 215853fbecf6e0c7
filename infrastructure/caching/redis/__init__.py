"""The cache on Redis and Valkey."""
