"""The command line: memnode and memcli."""
