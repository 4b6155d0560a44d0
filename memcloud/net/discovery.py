"""mDNS: telling the network where this node is, and hearing of others.

mDNS only finds candidates. Whether they are of this cluster, alive, or what they say they are is
settled on the link (`memcloud.cluster.mesh`); and a node whose announcement disappears is not
gone for that.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine

import ifaddr
from zeroconf import (
    BadTypeInNameException,
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from memcloud.cluster.member import LOOPBACK, WILDCARDS
from memcloud.link.messages import PROTOCOL_VERSION
from memcloud.seldom import SELDOM
from memcloud.settings import Settings

logger = logging.getLogger(__name__)

SERVICE_TYPE = "_memcloud._tcp.local."
RESOLVE_TIMEOUT_MS = 3000
# Announcements that are looked into at one time, and those that wait for that: strangers can make
# any number of them, and such that nothing comes of take `RESOLVE_TIMEOUT_MS` each.
RESOLVES_MAX = 32
WAITING_MAX = 256
# Of the node's name in its announcement; a part of its id follows, and 63 is all that there may be.
LABEL_NAME_BYTES = 50
HOST_TTL_S = 60
CLOSE_TIMEOUT_S = 2.0

# Called with the host and peer port of a node of this cluster.
Found = Callable[[str, int], None]


class Discovery:
    """Announces one node and browses for others."""

    def __init__(self, settings: Settings, member_id: str, found: Found) -> None:
        self._settings = settings
        self._member_id = member_id
        self._found = found
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, Zeroconf] = {}  # names that were announced, in order

    async def start(self) -> None:
        """Browse at once and announce as soon as the name is probed (about a second).

        A network that mDNS cannot use costs a warning and nothing else: `--join` still works.
        """
        try:
            self._zeroconf = AsyncZeroconf(
                interfaces=self._interfaces(), ip_version=IPVersion.V4Only
            )
        except OSError as error:
            logger.warning(
                "mDNS is off (%s): other nodes are found by --join or memcli connect only", error
            )
            return
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, [SERVICE_TYPE], handlers=[self._changed]
        )
        self._spawn(self._announce(self._zeroconf))

    async def close(self) -> None:
        """Take the announcement back."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        if self._zeroconf is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self._browser is not None:
                    await self._browser.async_cancel()
                await self._zeroconf.async_unregister_all_services()
                await self._zeroconf.async_close()
        except (TimeoutError, OSError, Error) as error:
            logger.warning("mDNS did not close cleanly: %s", error)

    def _interfaces(self) -> InterfaceChoice | list[str]:
        """Return the interfaces on which the peer port can be reached at all."""
        if self._settings.interface is not None:
            return [self._settings.interface]
        if self._settings.peer_bind in WILDCARDS:
            return InterfaceChoice.All
        return [self._settings.peer_bind]

    async def _announce(self, zeroconf: AsyncZeroconf) -> None:
        settings = self._settings
        label = label_of(settings.name, self._member_id)
        try:
            info = AsyncServiceInfo(
                SERVICE_TYPE,
                f"{label}.{SERVICE_TYPE}",
                port=settings.peer_port,
                addresses=self._addresses(zeroconf.zeroconf),
                server=f"memcloud-{self._member_id[:16]}.local.",
                properties={
                    "impl": "py",
                    "v": str(PROTOCOL_VERSION),
                    "cl": settings.cluster,
                    "id": self._member_id[:16],
                    "rp": str(settings.port),
                },
                host_ttl=HOST_TTL_S,
            )
            await (await zeroconf.async_register_service(info))
        except (Error, BadTypeInNameException, OSError) as error:
            logger.warning("mDNS does not announce this node: %s", error or type(error).__name__)

    def _addresses(self, zeroconf: Zeroconf) -> list[bytes]:
        bind = self._settings.peer_bind
        if bind not in WILDCARDS:
            return [socket.inet_aton(bind)]
        addresses = {address for address in _own_addresses() if not address.startswith(LOOPBACK)}
        return [socket.inet_aton(address) for address in sorted(addresses) or ["127.0.0.1"]]

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        # What was removed is noticed by its silence; see above.
        if state_change is ServiceStateChange.Removed:
            return
        if len(self._waiting) < WAITING_MAX:
            self._waiting[name] = zeroconf
        self._resolve_next()

    def _resolve_next(self) -> None:
        while self._waiting and len(self._tasks) < RESOLVES_MAX:
            name = next(iter(self._waiting))
            self._spawn(self._resolve(self._waiting.pop(name), name))

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        info = AsyncServiceInfo(SERVICE_TYPE, name)
        try:
            if not await info.async_request(zeroconf, RESOLVE_TIMEOUT_MS):
                return
        except (Error, OSError) as error:
            logger.debug("mDNS cannot resolve %r: %s", name, error)
            return
        properties = info.decoded_properties
        if properties.get("id") == self._member_id[:16]:
            return
        if properties.get("v") != str(PROTOCOL_VERSION):
            return
        if properties.get("cl") != self._settings.cluster or not info.port:
            return
        for address in info.parsed_addresses(IPVersion.V4Only):
            self._found(address, info.port)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("mDNS failed", exc_info=error, extra=SELDOM)
        self._resolve_next()


def label_of(name: str, member_id: str) -> str:
    """Return the name under which a node is announced.

    Part of the id keeps two nodes of one name from being taken for one.
    """
    short = name.encode()[:LABEL_NAME_BYTES].decode(errors="ignore")
    return f"{short}-{member_id[:8]}".replace(".", "-")


def _own_addresses() -> list[str]:
    return [
        ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)
    ]
