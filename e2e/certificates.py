"""
Certificates for tests of TLS, made by the openssl program: a CA, and what it has signed.

Owns files below one directory; they last a day.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

__all__ = ["Authority", "Pair"]

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class Pair(NamedTuple):
    """
    Paths of a certificate and its key, in PEM.
    """

    certificate: Path
    key: Path


class Authority:
    """
    A CA. `root` is what those who trust it need.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._own = self._paths("ca")
        _openssl("req", "-x509", *_new_key(self._own), "-subj", "/CN=a CA of this test", "-days", "1")

    @property
    def root(self) -> Path:
        """
        Path of its own certificate.
        """
        return self._own.certificate

    def sign(self, name: str) -> Pair:
        """
        A certificate for loopback, good for servers and clients.
        """
        made = self._paths(name)
        signer = ("-CA", str(self._own.certificate), "-CAkey", str(self._own.key))
        _openssl("req", "-x509", *_new_key(made), *signer, "-subj", f"/CN={name}", "-addext", NAMES, "-days", "1")
        return made

    def client(self, pair: Pair | None = None) -> ssl.SSLContext:
        """
        What a client needs that trusts this CA and shows `pair`.
        """
        context = ssl.create_default_context(cafile=str(self.root))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context

    def _paths(self, name: str) -> Pair:
        return Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")


def _new_key(pair: Pair) -> list[str]:
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
    return [*kind, "-keyout", str(pair.key), "-out", str(pair.certificate)]


def _openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    assert program is not None, "these tests need the openssl program; install the package of that name"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
    assert 0 == done.returncode, done.stderr
