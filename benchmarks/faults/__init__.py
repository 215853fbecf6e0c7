"""The same faults for RedisCache and for redis-py: what each of them makes of them."""
