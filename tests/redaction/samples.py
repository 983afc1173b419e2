"""
What the tests of the policy plant: secrets by kind, the forms they are written in, and harmless values.

All secrets are made up or taken from their issuer's documentation. Prefixes are joined here so that no
scanner of source code takes a line of this file for a leak.
"""

from __future__ import annotations

import base64
import json
import unicodedata
import urllib.parse
from collections.abc import Callable

_BASIC = base64.b64encode(b"alice:s3cr3t-Pa55").decode()

SECRETS: dict[str, tuple[str, str]] = {
    "bearer": ("Bearer abc123def456ghi", "abc123def456ghi"),
    "basic": ("Basic " + _BASIC, _BASIC),
    "jwt": (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ),
    "jwe": (
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT",
        "5eym8TW_c8SuK0lt",
    ),
    "aws key id": ("AKIA" + "IOSFODNN7EXAMPLE", "AKIA" + "IOSFODNN7EXAMPLE"),
    "aws secret": ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    "azure client secret": ("abc8Q" + "~defGHIjklMNOpqrSTUvwxYZ0123456789ab", "defGHIjklMNOpqrSTUvwxYZ"),
    "private key": (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nq83vEjRWeA==\n-----END RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA7bq",
    ),
    "pgp key": (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVYBGABcdEfGhIj\n-----END PGP PRIVATE KEY BLOCK-----",
        "lQVYBGABcdEfGhIj",
    ),
    "database url": ("postgresql://shop:S3cretPw@db.internal:5432/shop", "S3cretPw"),
    "sentry dsn": ("https://0123456789abcdef0123456789abcdef@o1.ingest.example.io/2", "0123456789abcdef"),
    "slack web hook": (
        "https://hooks.slack.com/" + "services/T0AAAAAAA/B0AAAAAAA/aB3dE5fG7hI9jK1lM3nO5pQ7",
        "aB3dE5fG7hI9jK1lM3nO5pQ7",
    ),
    "card": ("5263891744062939", "5263891744062939"),
    "card with blanks": ("4111 1111 1111 1111", "4111 1111 1111 1111"),
    "card with dashes": ("3782-822463-10005", "3782-822463-10005"),
    "social security number": ("078-05-1120", "078-05-1120"),
    "e-mail": ("alice.smith@example.com", "alice.smith@example.com"),
    "phone": ("+49 151 2345 6789", "+49 151 2345 6789"),
    "phone bare": ("+4915123456789", "4915123456789"),
    "phone with brackets": ("(415) 555-0132", "555-0132"),
    "phone with dots": ("415.555.0132", "415.555.0132"),
    "phone with dashes": ("1-415-555-0132", "415-555-0132"),
    "iban": ("GB29NWBK60161331926819", "GB29NWBK60161331926819"),
    "iban with blanks": ("DE89 3704 0044 0532 0130 00", "3704 0044 0532 0130"),
    **{
        issuer: (literal + body, literal + body)
        for issuer, literal, body in (
            ("github", "ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
            ("github fine-grained", "github_pat_", "11ABCDEFG0aB3dE5fG7hI9_jK1lM3nO5pQ7rS9tU1vW3xY5zA7"),
            ("gitlab", "glpat-", "aB3d-5fG7_I9jK1lM3nO"),
            ("slack", "xoxb-", "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"),
            ("stripe", "sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"),
            ("google", "AIza", "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"),
            ("google client secret", "GOCSPX-", "aB3dE5-G7hI9jK1lM3nO5pQ7r_9"),
            ("openai", "sk-", "proj-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW"),
            ("anthropic", "sk-ant-", "api03-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW-xY_zAA"),
            ("npm", "npm_", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"),
            ("pypi", "pypi-", "AgEIcHlwaS5vcmcCJDU3ZTk1YjE0LWE4ZTItNDY0"),
            ("sendgrid", "SG.", "aB3dE5fG7hI9jK1lM3nO5p.aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"),
            ("telegram", "4839574813:AA", "FD39kkdpWt3ywyRZergyOLMaJhac61qc_"),
            ("vault", "hvs.", "CAESI-aB3dE5fG7hI9jK1lM3nO5pQ7r"),
            ("digitalocean", "dop_v1_", "0123456789abcdef" * 4),
            ("hugging face", "hf_", "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFg1"),
            ("age", "AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"),
        )
    },
}
"""Kind to the text planted and the part of it that must not come out."""

_quote = urllib.parse.quote


def _full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


FORMS: dict[str, Callable[[str], str]] = {
    "alone": lambda secret: secret,
    "sentence": lambda secret: f"user said {secret} and left",
    "path": lambda secret: "/items/" + _quote(secret, safe=""),
    "path, encoded twice": lambda secret: "/items/" + _quote(_quote(secret, safe=""), safe=""),
    "json": lambda secret: json.dumps({"text": secret, "n": 1}),
    "json in json": lambda secret: json.dumps({"body": json.dumps({"text": secret})}),
    "json, second line": lambda secret: json.dumps({"text": f"first\n{secret}\nthird"}),
    "repr": lambda secret: repr({"text": secret}),
    "escaped": lambda secret: "".join(f"\\u{ord(letter):04x}" for letter in secret),
    "full width": lambda secret: "saw " + _full_width(secret),
    "zero width": lambda secret: secret[: len(secret) // 2] + "\u200b" + secret[len(secret) // 2 :],
    "soft hyphens": lambda secret: "\u00ad".join(secret),
}

PASSWORD = "hunter2hunter2"

NAMED: dict[str, str] = {
    "assigned": f"password={PASSWORD}",
    "header-like": f"password: {PASSWORD}",
    "json": json.dumps({"password": PASSWORD}),
    "json in json": json.dumps({"body": json.dumps({"password": PASSWORD})}),
    "json in json in json": json.dumps([json.dumps({"body": json.dumps({"password": 'a"' + PASSWORD})})]),
    "repr": repr({"password": PASSWORD}),
    "repr of bytes": repr({b"password": PASSWORD.encode()}),
    "query": f"/login?password={PASSWORD}&page=1",
    "query with a comma": f"/login?password=a,{PASSWORD}&page=1",
    "code": f"/callback?code={PASSWORD}&state=1",
    "header dictionary": repr({"authorization": f"Token {PASSWORD}"}),
    "header list": repr([(b"host", b"shop"), (b"authorization", f"Token {PASSWORD}".encode())]),
    "header list in json": json.dumps([["host", "shop"], ["authorization", f"Token {PASSWORD}"]]),
    "authorization line": f"Authorization: Token {PASSWORD}\r\nHost: shop",
    "cookie line": f"Cookie: theme=dark; sid={PASSWORD}; a=b",
    "set-cookie line": f"Set-Cookie: sid={PASSWORD}; Path=/; HttpOnly",
    "authorization, assigned": f"authorization=Bearer {PASSWORD} method=GET",
    "keyword argument": f"login(user='bob', password='{PASSWORD}')",
    "option": f"run --api-key {PASSWORD} --verbose",
    "option, assigned": f"run --api-key={PASSWORD} --verbose",
    "argument list": repr(["run", "--api-key", PASSWORD]),
    "xml": f"<login><password>{PASSWORD} x</password></login>",
    "logfmt": f'level=info password="{PASSWORD} x" user=bob',
    "export": f"export DB_PASSWORD={PASSWORD}",
    "camel case": f"dbPassword={PASSWORD}",
    "blanks in quotes": f'password="my {PASSWORD} too"',
    "quote in quotes": f'{{"password": "a\\"{PASSWORD}"}}',
    "quote that never closes": f'{{"password": "a {PASSWORD}',
    "list": f'{{"passwords": ["{PASSWORD}", "b{PASSWORD}"]}}',
    "azure signature": f"https://a.blob.example.net/c?sv=2022&sig={PASSWORD}%3D&se=2",
    "aws signature": f"https://b.example.com/k?X-Amz-Credential={PASSWORD}&X-Amz-Signature={PASSWORD}&X-Amz-Date=2",
    "google signature": f"https://s.example.com/x?X-Goog-Signature={PASSWORD}",
    "cloudfront": f"https://d.example.net/x?Expires=1&Policy={PASSWORD}&Signature={PASSWORD}",
    "redis url": f"redis://:{PASSWORD}@cache:6379/0",
    "connection string": f"Server=db;User Id=x;Password={PASSWORD};Encrypt=1",
    "account key": f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={PASSWORD}==;EndpointSuffix=core",
    "encoded": f"/x?next=%2Flogin%3Fpassword%3D{PASSWORD}",
    "full width": _full_width("password") + "=" + PASSWORD,
    "two words": f"API key: {PASSWORD}",
    "two quoted words": f'{{"Client Secret": "{PASSWORD}"}}',
    "arrow": f"'api_key' => '{PASSWORD}'",
    "walrus": f"token := {PASSWORD}",
    "comparison": f'if password == "{PASSWORD}":',
    "subscript": f'config["password"] = "{PASSWORD}"',
    "curl": f"curl -H 'Authorization: Token {PASSWORD}' https://shop",
}
"""A plain password, found by the name beside it."""

BENIGN: tuple[str, ...] = (
    "123e4567-e89b-12d3-a456-426614174000", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"', "a1b2c3d", "2025-11-21T11:45:40Z",
    "2025-11-21T11:45:40.123456+01:00", "2025-11-21 11:45:40,123", "1732190400", "1732190400123", "1732190400123456",
    "1732190400123456789", "order 1234567890", "invoice 2025-0001234", "4006381333931", "978-3-16-148410-0",
    "9783161484100", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "0ujtsYcgvSTl8PAuAdqWYSMnLOv", "507f1f77bcf86cd799439011",
    "175928847299117063", "cus_NffrFeUfNV2Hib", "pi_3MtwBwLkdIwHu7ix28a3tqPa", "1.4.2+20240131",
    "v2.0.0-rc.1+build.5114f85", "10.0.0.1:8080", "2001:db8::ff00:42:8329", "10.0.0.0/8", "00:1B:44:11:3A:B7",
    "/usr/local/lib/python3.11/site-packages/starlette/routing.py",
    "com.example.payments.internal.PaymentProcessorFactoryBean",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "python-httpx/0.27.0", "q=hello%20world&page=2", "eyJpZCI6MTIzfQ==", "dXNlcjoxMjM=",
    "SELECT id, name FROM users WHERE id = 42 AND key = 'x'", "token_count: 812", "max_tokens=4096",
    "gen_ai.usage.input_tokens=15", "token expired", "password: must be at least 8 characters",
    "bearer authentication required", "Basic authentication failed", "author=alice", "session.duration=35",
    "status code=404", "key=orders:42", "pkg@1.2.3", "getty@tty1.service", "logo@2x.png",
    "http://localhost:8080/health", "0.4242424242424242", "3.141592653589793", "52.520008, 13.404954",
    "+52.520008+13.404954", "arn:aws:iam::123456789012:role/app", "0x7ffee3b5c8d0", "web-7d4b9c6f5d-x2x7z",
    "i-0abcd1234efgh5678", "+0100", "passenger=3 compass=n monkey=1 keyboard=de tokenizer=bpe", "token_type=bearer",
    "cookie_policy=strict", "primary_key=12", "secret_name=db", "has_password=true", "password=null",
    "git@github.com:org/repo.git", "https://auth:8080/health", "/wp-admin/admin-ajax.php",
    "tokens=12 prompt_tokens=5", "author: Jane", "http://user-service.default.svc.cluster.local:8080/v1",
    "100% of 50%", "def login(user: str, password: str) -> None:", "task-scheduler-background-worker-pool",
    "disk-usage-monitoring-service-for-x1", "grüße aus Köln \u2013 20 °C", "日本語のログ", "C:\\new\\table\\x86",
    "Key-Pair-Id=APKA", "idempotency-key=abc-1",
)  # fmt: skip
"""Texts that must come back as they are."""


def plain(text: str) -> str:
    """
    `text` in its simplest spelling, to search it for what must not be there.
    """
    for _ in range(3):
        text = urllib.parse.unquote(text)
    if "\\u" in text:
        text = text.encode("latin-1", "replace").decode("unicode_escape")
    folded = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in folded if unicodedata.category(letter) != "Cf")
