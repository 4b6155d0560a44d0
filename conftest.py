"""What holds for all suites."""

from __future__ import annotations

import signal

from hypothesis import settings

# A machine that is busy with something else makes an example slow, and no test may fail for that.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every
# process that they start; a process that has a handler passes on the default instead.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
