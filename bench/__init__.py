"""Measures memnode beside redis-server and Valkey: `make bench`, or `python -m bench --help`."""
