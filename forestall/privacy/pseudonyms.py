"""Turns what identifies a person into a pseudonym, in SQL, for a whole table at once.

A pseudonym is the first 20 hexadecimal characters (80 bits) of HMAC-SHA-256 over the trimmed value.
DuckDB has no HMAC of its own, but RFC 2104 defines it as two hashes, which it has. The key reaches
DuckDB as variables of the session, never as text of a statement: statements end up in errors and
logs. Nothing here can turn a pseudonym back; that is the vault's part.
"""

import hashlib
import hmac

import duckdb
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from forestall.settings import ConfigError, Settings

HEX_CHARACTERS = 20
BLANKS = " \t\r\n\u00a0"  # around a value they are never meant; the same in Python and in SQL
_BLOCK = 64  # bytes of a SHA-256 block

NO_KEY = (
    "FORESTALL_SECRET_KEY is not set, and customers may only be stored as pseudonyms: "
    "make a key with `openssl rand -hex 32`, put `FORESTALL_SECRET_KEY=...` into the environment or into "
    "the `.env` beside forestall.toml, and keep a copy of it apart from the backups"
)


def derived_key(settings: Settings, purpose: str) -> bytes:
    """32 bytes for one purpose, from the one secret (HKDF, RFC 5869).

    Raises:
        ConfigError: there is no secret; the text says how to make one.
    """
    secret = settings.secret_key.get_secret_value()
    if not secret:
        raise ConfigError(NO_KEY)
    return HKDF(SHA256(), length=32, salt=None, info=f"forestall {purpose}".encode()).derive(secret.encode())


def pseudonym(settings: Settings, value: str) -> str:
    """The pseudonym of one value, blanks around it aside; the same as `pseudonym(value)` in SQL."""
    key = derived_key(settings, "pseudonyms")
    return hmac.new(key, value.strip(BLANKS).encode(), hashlib.sha256).hexdigest()[:HEX_CHARACTERS]


def teach_pseudonyms(scratch: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Give a DuckDB session the macro `pseudonym(text)`, of a text without blanks around it; null stays null.

    Raises:
        ConfigError: there is no secret key.
    """
    key = derived_key(settings, "pseudonyms").ljust(_BLOCK, b"\0")
    for variable, pad in (("forestall_inner", 0x36), ("forestall_outer", 0x5C)):
        scratch.execute(f"SET VARIABLE {variable} = ?", [bytes(byte ^ pad for byte in key)]).fetchall()
    scratch.execute(
        f"""
        CREATE OR REPLACE TEMP MACRO pseudonym(value) AS left(
            sha256(
                getvariable('forestall_outer')
                || unhex(sha256(getvariable('forestall_inner') || encode(value)))
            ),
            {HEX_CHARACTERS}
        )
        """
    ).fetchall()
