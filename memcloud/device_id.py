"""How a device is called: by the hash of its certificate, in a form that people can compare.

The form is that of Syncthing's device ids (docs.syncthing.net, "Understanding Device IDs"): the
SHA-256 in base32, a check character (Luhn's, modulo 32) behind each 13 characters, in groups of 7.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CHECKED_LENGTH = 13
_GROUP_LENGTH = 7


def device_id(certificate: bytes) -> str:
    """Return the id of a device with this certificate, which is in DER."""
    return readable(hashlib.sha256(certificate).digest())


def readable(digest: bytes) -> str:
    """Return a SHA-256 in the form of a device id."""
    letters = b32encode(digest).decode().rstrip("=")
    parts = (letters[i : i + _CHECKED_LENGTH] for i in range(0, len(letters), _CHECKED_LENGTH))
    text = "".join(part + _check_character(part) for part in parts)
    return "-".join(text[i : i + _GROUP_LENGTH] for i in range(0, len(text), _GROUP_LENGTH))


def _check_character(text: str) -> str:
    """Return what tells of a mistyped character, and of most swapped ones."""
    total = 0
    for index, character in enumerate(text):
        # Syncthing counts the weights from the left, Luhn from the right; for 13 it is the same.
        tens, ones = divmod(_ALPHABET.index(character) * (index % 2 + 1), len(_ALPHABET))
        total += tens + ones
    return _ALPHABET[-total % len(_ALPHABET)]
