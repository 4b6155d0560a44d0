"""The only place with asyncio: sockets, timers and signals around a node."""
