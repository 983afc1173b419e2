"""
The connections of an OTLP sender: proxies and TLS.

Owns what `urllib3` is told besides the request itself. The environment's proxies and authorities
count as they do for other clients in Python; a URL's own credentials become a header.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from base64 import b64encode
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import certifi
import urllib3
from urllib3.util.ssl_ import create_urllib3_context

from otel_kit.environment.model import Signal

__all__ = ["basic_authorization", "open_pool"]

AUTHORITY_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""
Other clients read them, so a machine's own authorities are often named there.
"""


def open_pool(signal: Signal) -> urllib3.PoolManager:
    """
    Room for one kept connection to the signal's endpoint, or to the proxy before it. Connects to nothing yet.

    Raises:
        OSError: A certificate file can't be read.
        ValueError: The proxy's address can't be used.
    """
    parts = urlsplit(signal.endpoint)
    options: dict[str, Any] = {"num_pools": 1, "maxsize": 1}
    if parts.scheme == "https":
        options["ssl_context"] = tls_context(signal)
    proxy = proxy_before(parts)
    if proxy is None:
        return urllib3.PoolManager(**options)
    if proxy.startswith("socks"):
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(proxy, **options)
    login = basic_authorization(urlsplit(proxy))
    return urllib3.ProxyManager(proxy, proxy_headers={"Proxy-Authorization": login} if login else None, **options)


def basic_authorization(parts: SplitResult) -> str | None:
    """
    The header for a URL's own name and password; None where it has none.

    Source: RFC 7617. Bytes are those of ISO 8859-1, as other clients send them, or of UTF-8 where that lacks a letter.
    """
    if parts.username is None:
        return None
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    try:
        octets = login.encode("latin-1")
    except UnicodeEncodeError:
        octets = login.encode("utf-8", "replace")
    return f"Basic {b64encode(octets).decode()}"


def tls_context(signal: Signal) -> ssl.SSLContext:
    """
    Whom to believe and who we are, with the files read now.
    """
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    named = (os.environ.get(variable) for variable in AUTHORITY_VARIABLES)
    authorities = signal.certificate or next(filter(None, named), None) or certifi.where()
    if os.path.isdir(authorities):
        context.load_verify_locations(capath=authorities)
    else:
        context.load_verify_locations(cafile=authorities)
    if signal.client_certificate is not None:
        context.load_cert_chain(signal.client_certificate, signal.client_key)
    return context


def proxy_before(parts: SplitResult) -> str | None:
    """
    The proxy that the environment names for a URL; None for the direct way.
    """
    # here, since it is slow to import and many a process never sends anything
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.netloc.rpartition("@")[2]
    if not proxy or proxy_bypass(host) or _is_within(parts.hostname or "", proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_within(host: str, excluded: str) -> bool:
    """
    Whether the host is an address in one of the networks that `NO_PROXY` lists.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in excluded.replace(" ", "").split(","):
        try:
            if address in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:  # a name
            continue
    return False
