"""Placement: key to slot to owners. Pure."""
