"""The measurements: what they compute, and that nothing they start stays."""
