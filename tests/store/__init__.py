"""Tests of `memcloud.store`."""
