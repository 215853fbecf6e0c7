"""The caches' own parts."""
