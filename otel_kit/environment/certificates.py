"""
Files of OTLP over TLS: authorities, client certificate, client key.

Owns the question whether TLS could load them, asked at set-up instead of at each export.
"""

from __future__ import annotations

import ssl

from otel_kit.environment.reader import EnvironmentReader

__all__ = ["read_certificate", "read_client_pair"]


def read_certificate(reader: EnvironmentReader, own: str, general: str) -> str | None:
    """
    The file of trusted authorities, from the signal's own variable or the general one.
    """
    found = None
    for variable in (general, own):
        file = reader.text(variable)
        if file is None:
            continue
        problem = _authorities_problem(file)
        if problem is None:
            found = file
        else:
            reader.refuse(variable, problem, "name a readable PEM file with certificates")
    return found


def read_client_pair(reader: EnvironmentReader, own: str, general: str) -> tuple[str | None, str | None]:
    """
    Files of the client's certificate and its key; the key may be None when the certificate's file holds both.

    Args:
        own: The signal's own variable of the certificate; the key's is named alike.
        general: The same for all signals.
    """
    certificate_variable = next((name for name in (own, general) if reader.text(name)), None)
    keys = tuple(name.replace("CLIENT_CERTIFICATE", "CLIENT_KEY") for name in (own, general))
    key_variable = next((name for name in keys if reader.text(name)), None)
    if certificate_variable is None:
        if key_variable is not None:
            reader.refuse(key_variable, "has no certificate beside it", "set the client certificate too")
        return None, None
    certificate = reader.environ[certificate_variable]
    key = reader.environ[key_variable] if key_variable else None
    problem = _pair_problem(certificate, key)
    if problem is None:
        return certificate, key
    for variable in filter(None, (certificate_variable, key_variable)):
        reader.refuse(variable, problem, "name readable PEM files of one certificate and its unencrypted key")
    return None, None


def _authorities_problem(file: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        return "is not a file of certificates"
    except (OSError, ValueError) as error:
        return _file_problem(error)
    return None


def _pair_problem(certificate: str, key: str | None) -> str | None:
    def no_password() -> bytes:
        # without it OpenSSL would ask on the terminal
        return b""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, no_password)
    except ssl.SSLError:
        return "is not a certificate with its key"
    except (OSError, ValueError) as error:
        return _file_problem(error)
    return None


def _file_problem(error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return f"can't be read ({(reason or type(error).__name__).lower()})"
