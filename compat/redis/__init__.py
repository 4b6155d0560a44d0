"""The same commands on a real redis-server and on a memnode, every reply compared."""
