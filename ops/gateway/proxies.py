"""Whether a request came through a proxy that may speak for its client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from ops.failures import UserError

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?")


class Proxies:
    """Networks whose X-Forwarded-* headers are believed; none unless named.

    Raises
    ------
    UserError
        When a network or the prefix does not parse.
    """

    def __init__(self, networks: str, prefix: str) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for part in filter(None, map(str.strip, networks.split(","))):
            try:
                self._networks.append(ip_network(part, strict=False))
            except ValueError:
                raise UserError(f"HARK_GATEWAY_TRUSTED_PROXIES: {part} is no network") from None
        self.prefix = prefix.rstrip("/")
        if not _PREFIX.fullmatch(self.prefix):
            raise UserError("HARK_GATEWAY_PREFIX: write a path such as /hark")

    def trusts(self, peer: str | None) -> bool:
        """Tell whether the connection's other end is one of the proxies."""
        try:
            address = ip_address(peer or "")
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def public_url(self, peer: str | None, headers: Mapping[str, str]) -> str:
        """Return the URL clients reach the routes under; a path alone unless a trusted proxy says more.

        Examples
        --------
        >>> proxies = Proxies("10.0.0.0/8", "/hark")
        >>> said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example.com"}
        >>> proxies.public_url("10.1.2.3", said), proxies.public_url("192.0.2.1", said)
        ('https://api.example.com/hark', '/hark')
        """
        if not self.trusts(peer):
            return self.prefix
        prefix = headers.get("X-Forwarded-Prefix", self.prefix).rstrip("/")
        scheme, host = headers.get("X-Forwarded-Proto", ""), headers.get("X-Forwarded-Host", "")
        if not _PREFIX.fullmatch(prefix):
            prefix = self.prefix
        if scheme in ("http", "https") and _HOST.fullmatch(host):
            return f"{scheme}://{host}{prefix}"
        return prefix
