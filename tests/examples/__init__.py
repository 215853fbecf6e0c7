"""The programs of examples/ do what they are there to show."""
