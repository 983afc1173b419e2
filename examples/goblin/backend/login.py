"""
`/auth/login`: a check of e-mail address and password.

Owns how passwords are kept and compared. The answer, and the time it takes, are the same for an
unknown address and a wrong password, so nobody can learn here who has an account. No line of
the log holds an address or a password.

The one account of this example: demo@example.com, password `a goblin never forgets`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, SecretStr

__all__ = ["router"]

router = APIRouter()
_logger = logging.getLogger("goblin.login")


@dataclass(frozen=True)
class Account:
    """
    What is kept of one account.
    """

    account_id: str
    salt: bytes
    password_hash: bytes


def hash_password(password: str, salt: bytes) -> bytes:
    """
    By scrypt: some 50 ms and 16 MiB, which is what twenty logins a second leave room for.

    Source: RFC 7914.
    """
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1, dklen=32)


ACCOUNTS = {
    "demo@example.com": Account(
        "account-1",
        bytes.fromhex("f33a2a41d372b1b693c9129b587a41ae"),
        bytes.fromhex("2ff29ea9d9e3305dc2f81fc2f98c77bd949a249beb38d24231e13d49fe6bf213"),
    )
}

NOBODY = Account("", bytes(16), bytes(32))
"""Takes the place of an unknown account; no password has this hash."""


class Credentials(BaseModel):
    """
    What a person types.
    """

    email: str = Field(max_length=254)
    password: SecretStr = Field(max_length=1024)


@router.post("/auth/login")
def log_in(credentials: Credentials) -> dict[str, str]:
    """
    The account that these credentials belong to. Runs in a thread, since hashing takes its time.
    """
    account = ACCOUNTS.get(credentials.email.strip().lower(), NOBODY)
    given = hash_password(credentials.password.get_secret_value(), account.salt)
    if not hmac.compare_digest(given, account.password_hash):
        _logger.warning("login_refused")
        raise HTTPException(401, "wrong e-mail address or password")
    _logger.info("login_succeeded", extra={"account_id": account.account_id})
    return {"status": "logged_in", "account_id": account.account_id}
