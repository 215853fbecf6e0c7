"""The same seeded torture of every storage: tasks that are cancelled and cut off, and what must hold after it."""
