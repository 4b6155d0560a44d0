"""Tests of what only the readable store is made of."""
