"""Keys of pseudonyms: versions, rotation, and destruction as the way to forget."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_HEX = str.maketrans("abcdefghijklmnop", "0123456789abcdef")
_KEY_BYTES = 32
_LEAST_SECRET = 16
_TOKEN = re.compile(r"<([A-Z_]{2,12}):e([1-9][0-9]{0,5}):([a-p]{32,16384})>")


class KeyringError(ValueError):
    """The keys cannot be read, are missing, or were destroyed; the message holds no key."""


class Keyring:
    """Secret keys by version; the newest one makes new pseudonyms.

    A pseudonym is a keyed BLAKE2b hash (RFC 7693) of type and canonical value, 64 bits, written in
    16 letters: without digits, no number can be read into it. Whoever holds the key can recompute
    it from a value, nobody without the key can; once a version is destroyed, its pseudonyms can no
    longer be tied to anybody.

    Parameters
    ----------
    keys
        Secret bytes (32) by version, from 1 up.
    current
        The version in use.
    destroyed
        Versions that once existed.

    Raises
    ------
    KeyringError
        If the current version has no key, or a key is too short.

    Examples
    --------
    >>> ring = Keyring({1: bytes(32)}, 1)
    >>> ring.digest("PHONE", "8613812345678") == ring.digest("PHONE", "8613812345678")
    True
    >>> ring.digest("PHONE", "1") == ring.digest("QQ", "1")
    False
    """

    def __init__(self, keys: dict[int, bytes], current: int, destroyed: frozenset[int] = frozenset()) -> None:
        if current not in keys:
            raise KeyringError(f"no key of version {current}")
        if any(len(key) < _KEY_BYTES for key in keys.values()):
            raise KeyringError(f"a key is shorter than {_KEY_BYTES} bytes")
        if any(not 0 < version < 1_000_000 for version in keys):
            raise KeyringError("versions run from 1 to 999999")
        self._keys = dict(keys)
        self.current = current
        self.destroyed = destroyed
        self._hash_key = keys[current]

    @classmethod
    def new(cls, random: Callable[[int], bytes] = secrets.token_bytes) -> Keyring:
        """Return a ring with one fresh key, version 1."""
        return cls({1: random(_KEY_BYTES)}, 1)

    @classmethod
    def from_secret(cls, secret: str) -> Keyring:
        """Return the ring of one key derived from a secret string (at least 16 characters).

        The secret comes from an environment variable or a secret store and should be random: no
        slow derivation protects a guessable one.
        """
        if len(secret) < _LEAST_SECRET:
            raise KeyringError(f"the secret is shorter than {_LEAST_SECRET} characters")
        return cls(
            {1: hashlib.blake2b(secret.encode(), digest_size=_KEY_BYTES, person=b"hark-ring").digest()}, 1
        )

    @classmethod
    def load(cls, path: str | Path) -> Keyring:
        """Read a ring from the JSON file that `save` wrote.

        Raises
        ------
        KeyringError
            If the file is missing or not a key ring.
        """
        try:
            raw = json.loads(Path(path).read_text("utf-8"))
            keys = {
                int(version): base64.b64decode(key, validate=True) for version, key in raw["keys"].items()
            }
            return cls(
                keys, int(raw["current"]), frozenset(int(version) for version in raw.get("destroyed", ()))
            )
        except FileNotFoundError:
            raise KeyringError("no key file; make one with `hark keys new`") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, KeyringError):
                raise
            raise KeyringError(
                f"the key file is not readable as a key ring ({type(error).__name__})"
            ) from None

    def save(self, path: str | Path) -> None:
        """Write the ring atomically, readable by its owner only."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        body = {
            "current": self.current,
            "keys": {
                str(version): base64.b64encode(key).decode() for version, key in sorted(self._keys.items())
            },
            "destroyed": sorted(self.destroyed),
        }
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(body, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)

    @property
    def versions(self) -> list[int]:
        """Versions whose key still exists, oldest first."""
        return sorted(self._keys)

    def rotate(self, random: Callable[[int], bytes] = secrets.token_bytes) -> Keyring:
        """Return a ring whose current version is a fresh key; old ones stay."""
        version = max((*self._keys, *self.destroyed)) + 1
        return Keyring({**self._keys, version: random(_KEY_BYTES)}, version, self.destroyed)

    def destroy(self, version: int) -> Keyring:
        """Return a ring without the key of `version`: its pseudonyms can no longer be recomputed.

        Raises
        ------
        KeyringError
            If `version` is in use or has no key.
        """
        if version == self.current:
            raise KeyringError(f"version {version} is in use; rotate first")
        if version not in self._keys:
            raise KeyringError(f"no key of version {version}")
        keys = {kept: key for kept, key in self._keys.items() if kept != version}
        return Keyring(keys, self.current, self.destroyed | {version})

    def digest(self, kind: str, value: str, version: int | None = None) -> str:
        """Return the 16 letters of the keyed hash of `kind` and `value`.

        Parameters
        ----------
        kind
            Type of the value: equal values of two types differ.
        value
            Canonical form.
        version
            Key version, the current one unless told.
        """
        key = self._hash_key if version is None else self._key(version)
        data = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=8, key=key).hexdigest().translate(_LETTERS)

    def encrypt(self, kind: str, text: str) -> str:
        """Return a reversible token: AES-SIV (RFC 5297), deterministic, bound to `kind`."""
        sealed = self._cipher(self.current).encrypt(text.encode("utf-8", "surrogatepass"), [kind.encode()])
        return f"<{kind}:e{self.current}:{sealed.hex().translate(_LETTERS)}>"

    def decrypt(self, token: str) -> str:
        """Return the text behind a token of `encrypt`.

        Raises
        ------
        KeyringError
            If it is no such token, was changed, or its key was destroyed.
        """
        from cryptography.exceptions import InvalidTag

        match = _TOKEN.fullmatch(token)
        if not match:
            raise KeyringError("not a token made by encrypt")
        kind, version, letters = match.group(1), int(match.group(2)), match.group(3)
        try:
            sealed = bytes.fromhex(letters.translate(_HEX))
            return self._cipher(version).decrypt(sealed, [kind.encode()]).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as error:
            if isinstance(error, KeyringError):
                raise
            raise KeyringError("the token was changed or belongs to another key") from None

    def _key(self, version: int) -> bytes:
        try:
            return self._keys[version]
        except KeyError:
            raise KeyringError(f"no key of version {version}") from None

    def _cipher(self, version: int) -> AESSIV:
        # Here, as it takes 6 MB and only whoever encrypts or decrypts needs it.
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        return AESSIV(
            hashlib.blake2b(b"", digest_size=64, key=self._key(version), person=b"hark-siv").digest()
        )

    def __repr__(self) -> str:
        """Name the versions, never the keys."""
        return (
            f"Keyring(current={self.current}, versions={self.versions}, destroyed={sorted(self.destroyed)})"
        )
