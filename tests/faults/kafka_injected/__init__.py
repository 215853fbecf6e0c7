"""Errors that a broker gives seldom and never on demand: librdkafka's mock answers with them."""
