"""The parts of the delivery engine and of the in-process broker."""
