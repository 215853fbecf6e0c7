"""Realistic use, for the type checkers: nothing here is run."""
