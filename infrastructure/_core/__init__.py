"""What the backends share; knows no backend and no driver."""
