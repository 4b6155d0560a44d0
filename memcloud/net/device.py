"""The device that a node is: a key and a certificate, made at its first start and kept for good.

Every node name has its own in the state folder, and every certificate in there is one of the
same user's on the same machine. Key and certificate are in one file, so that no start finds the
one without the other.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from memcloud.device_id import device_id
from memcloud.errors import StateError

from . import private_files
from .record import Record

# A certificate that ends would end the device; nobody renews what is pinned.
LIFETIME = timedelta(days=20 * 365)
# Clocks of machines on a LAN differ.
BACKDATED = timedelta(days=1)
DEVICES = "devices"


@dataclass(frozen=True, slots=True)
class Device:
    """A device whose files are in order, and locked for this process."""

    id: str
    path: Path  # of key and certificate, in PEM
    record: Record
    lock: int  # a descriptor; the lock goes with the process


def open_device(state_folder: Path, name: str) -> Device:
    """Return the device of the node of this name, made now if there was none.

    Raises:
        StateError: the folder or a file in it is of no use, or a node of this name runs.
    """
    folder = state_folder / DEVICES
    private_files.make_private_folder(state_folder)
    private_files.make_private_folder(folder)
    file_name = quote(name, safe=" ")
    path = folder / f"{file_name}.pem"
    lock = private_files.lock(
        folder / f"{file_name}.lock",
        f"a node named {name!r} runs with the state folder {state_folder} already; give this one"
        " another --name or another --state-dir",
    )
    try:
        content = private_files.maybe_read_private(path)
        if content is None:
            content = _new_key_and_certificate()
            private_files.replace(path, content)
        device = _checked_id(path, content)
    except StateError:
        os.close(lock)
        raise
    return Device(device, path, Record(folder / f"{file_name}.record", path), lock)


def _new_key_and_certificate() -> bytes:
    """Return them in PEM."""
    # It takes a tenth of a second to import, and only a first start needs it.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    # The name tells an observer of a handshake nothing.
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "memcloud")])
    begin = datetime.now(UTC) - BACKDATED
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, None)
    )
    pem = serialization.Encoding.PEM
    return key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(pem)


def _checked_id(path: Path, content: bytes) -> str:
    """Return the id of the certificate in a file, once OpenSSL takes it together with its key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password=_no_password)
        _, header, rest = content.decode("ascii").partition(ssl.PEM_HEADER)
        body, footer, _ = rest.partition(ssl.PEM_FOOTER)
        return device_id(ssl.PEM_cert_to_DER_cert(header + body + footer))
    except ssl.SSLError as error:
        fault = (
            "its key and its certificate do not belong together"
            if error.reason == "KEY_VALUES_MISMATCH"
            else "it has no key and certificate that can be used"
        )
        raise StateError(
            f"{path} is damaged: {fault}; bring it back from a copy, or remove it to make this node"
            " a new device"
        ) from error


def _no_password() -> str:
    """Answer for a file that somebody has encrypted; OpenSSL would ask on the terminal."""
    return ""
