"""How members agree on who owns which slot, and keep what the slots hold: see docs/protocol.md."""
