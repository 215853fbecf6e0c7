"""Harnesses of the backends that come along; each is made with the URL that it is to prove."""
