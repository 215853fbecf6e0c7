"""How fast ours is beside what people use today: ``make bench``, one file a question."""
