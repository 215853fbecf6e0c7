"""The conformance checks, run on every backend."""
