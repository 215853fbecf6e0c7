"""Tests of the benchmarks' own arithmetic; nothing is timed."""
