"""Input that nobody thought of, for the native modules beside the readable ones.

The invariant of every target: whatever arrives, in whatever pieces, the native form does what the
readable one does, in bounded time. See `__main__.py` for how to run it.
"""
