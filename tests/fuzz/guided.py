"""Lets coverage guide the fuzzer: python -m tests.fuzz.guided [TARGET] [FLAGS OF LIBFUZZER].

Atheris invents bytes, and keeps those that reach something new in the readable form; the native one
has to follow it there. For example ``session -max_total_time=60``. It ends at the first difference
and writes the bytes into a file, which given as another argument is checked again.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["memcloud"]):
    from .targets import TARGETS
from .worker import CHECK_SECONDS_MAX


def main(arguments: list[str]) -> None:
    """Fuzz until something is found or a flag says that it is enough."""
    names = [each for each in arguments[1:] if each in TARGETS]
    target = TARGETS[names[0] if names else "parser"]()

    def check(data: bytes) -> None:
        assert target.check(target.decode(data)) <= CHECK_SECONDS_MAX, "too slow"

    atheris.Setup([each for each in arguments if each not in TARGETS], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
