"""Check whether an IP address belongs to the public Internet."""

from __future__ import annotations

import ipaddress

# The ranges in IANA's IPv4 Special-Purpose Address Registry, plus multicast.
_SPECIAL_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# IANA's IPv6 Global Unicast Address Assignments to the regional registries, with adjacent ranges
# merged. All other addresses are special, reserved or not yet assigned.
_ASSIGNED_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001:200::/23",
        "2001:400::/22",
        "2001:800::/21",
        "2001:1200::/23",
        "2001:1400::/22",
        "2001:1800::/21",
        "2001:2000::/19",
        "2001:4000::/21",
        "2001:4800::/22",
        "2001:4c00::/23",
        "2001:5000::/20",
        "2001:8000::/18",
        "2003::/18",
        "2400::/11",
        "2600::/12",
        "2610::/23",
        "2620::/23",
        "2630::/12",
        "2800::/12",
        "2a00::/11",
        "2c00::/12",
    )
)
_DOCUMENTATION = ipaddress.IPv6Network("2001:db8::/32")


def is_public(address: str) -> bool:
    """Whether an IP address, including one embedded in IPv6, belongs to the public Internet.

    Only addresses in ranges that IANA has assigned to the public Internet are considered public.
    The result does not depend on the Python version.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_IPV4)
    embedded = ip.ipv4_mapped or ip.sixtofour or _nat64(ip)
    if embedded is not None:
        return is_public(str(embedded))
    return any(ip in network for network in _ASSIGNED_IPV6) and ip not in _DOCUMENTATION


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address embedded in an address with the prefix 64:ff9b::/96 (RFC 6052)."""
    if ip in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None
