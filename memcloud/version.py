"""Which version this is, and which Redis it behaves like."""

from __future__ import annotations

VERSION = "0.1.0"
# What INFO and HELLO report as redis_version: clients switch features on by it.
REDIS_VERSION = "7.2.4"
