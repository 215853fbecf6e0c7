"""Tools to test with, for our tests and for yours: a fake clock, a cancellation injector."""
