"""The client library: a `redis.Redis` that also knows blocks and peers."""
