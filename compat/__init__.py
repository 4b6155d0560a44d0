"""The same commands on other servers and on us."""
