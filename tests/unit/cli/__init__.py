"""The command line: what it prints, and its exit status."""
