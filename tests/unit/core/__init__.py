"""What the backends share, piece by piece."""
