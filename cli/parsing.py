"""Parsers of setting values. Each raises ValueError with a phrase that says what is expected."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from ipaddress import AddressValueError, IPv4Address, ip_address
from pathlib import Path

from memcloud.settings import DEFAULT_PORT, PEER_PORT_OFFSET

PORT_MAX = 65535
NAME_BYTES_MAX = 63  # of a label in mDNS


def parse_port(text: str) -> int:
    """Return a TCP port."""
    return _parse_number(text, 1, PORT_MAX, "a port is a number from 1 to 65535")


def parse_count(text: str) -> int:
    """Return a number of things of which there must be some."""
    return _parse_number(text, 1, 1_000_000, "it must be a number from 1 to 1000000")


def parse_name(text: str) -> str:
    """Return a name that people can type and mDNS can carry."""
    if not text.strip() or not text.isprintable() or len(text.encode()) > NAME_BYTES_MAX:
        raise ValueError("a name has 1 to 63 printable characters")
    return text


def parse_bind(text: str) -> str:
    """Return an address to listen on: an IP address or ``localhost``."""
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("it must be an IP address of this machine, or 0.0.0.0 for all") from None


def parse_ipv4(text: str) -> str:
    """Return an IPv4 address, which is what mDNS announces."""
    try:
        return "127.0.0.1" if text == "localhost" else str(IPv4Address(text))
    except AddressValueError:
        raise ValueError("it must be an IPv4 address of this machine") from None


def is_loopback(address: str) -> bool:
    """Return whether an address from `parse_bind` can be reached from this machine only."""
    return ip_address(address).is_loopback


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST[:PORT]``; an IPv6 address with a port stands in brackets."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError("it must be HOST or HOST:PORT")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or any(char.isspace() for char in host) or (":" in host and not _is_ipv6(host)):
        raise ValueError("it must be HOST or HOST:PORT")
    return host, parse_port(port) if port else DEFAULT_PORT


def parse_peer(text: str) -> tuple[str, int]:
    """Return host and peer port of a node; ``text`` has the port of its clients."""
    host, port = parse_address(text)
    if port > PORT_MAX - PEER_PORT_OFFSET:
        raise ValueError(f"the port is that of the node's clients, at most {PORT_MAX - 10_000}")
    return host, port + PEER_PORT_OFFSET


def parse_socket(text: str) -> str:
    """Return an absolute path for a unix socket, an empty text for ``none``."""
    from .paths import SOCKET_PATH_BYTES_MAX, fits

    if text == "none":
        return ""
    path = Path(text).expanduser().absolute()
    if not text or not fits(path):
        raise ValueError(f"it must be a path of at most {SOCKET_PATH_BYTES_MAX} bytes, or none")
    return str(path)


def parse_path(text: str) -> str:
    """Return an absolute path."""
    if not text:
        raise ValueError("it must be a path")
    return str(Path(text).expanduser().absolute())


def parse_replicas(text: str) -> int:
    """Return how many members are to hold each key."""
    return _parse_number(text, 1, 8, "it must be a number from 1 to 8")


def parse_text(text: str) -> str:
    """Return what is given."""
    return text


def parse_switch(text: str) -> bool:
    """Return whether a word means yes."""
    word = text.lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("it must be true or false")


def choice(names: Collection[str]) -> Callable[[str], str]:
    """Return a parser for one of some names."""

    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"it must be one of {', '.join(names)}")
        return text.lower()

    return parse


def did_you_mean(word: str, names: Collection[str]) -> str:
    """Return ``; did you mean 'x'?`` for the name most like a word, or nothing."""
    close = difflib.get_close_matches(word, list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _parse_number(text: str, lowest: int, highest: int, expected: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 9 and lowest <= int(text) <= highest:
        return int(text)
    raise ValueError(expected)
