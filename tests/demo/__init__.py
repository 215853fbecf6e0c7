"""Tests of the demo, as a user runs it."""
