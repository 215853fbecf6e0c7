"""Tests of the source itself: its shape, its arrows, and what its modules do when imported."""
