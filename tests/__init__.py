"""Tests of the package; they import it as a user does, and each other relatively."""
