"""The tools to test with."""
