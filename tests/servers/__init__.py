"""Real servers for tests and benchmarks: on loopback ports, without root, gone with the run."""
