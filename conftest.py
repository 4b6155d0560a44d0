"""What holds for all suites."""

from __future__ import annotations

from hypothesis import settings

# A machine that is busy with something else makes an example slow, and no test may fail for that.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
