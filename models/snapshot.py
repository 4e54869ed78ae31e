"""A learner's state as bytes: one checked container, never pickled.

Container, little endian: magic `HARK`, format `u16`, codec `u16` (1 = zstd), model version `u64`,
length of the plain payload `u64`, sha256 of everything else (32 bytes), compressed payload. The
payload is the length of a JSON header (`u64`), the header, then each array's raw bytes, the header
naming dtype, shape and length. `models.snapshot_parts` cuts it for the topic.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.json_pieces import json_pieces
from models.learner import Array, State

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 1
ZSTD = 1
_MAGIC = b"HARK"
_HEAD = struct.Struct("<4sHHQQ32s")
_LENGTH = struct.Struct("<Q")
_ARRAY_KEY = "$array"
_KINDS = "biufSU"
_MAX_PAYLOAD = 1 << 31


class SnapshotError(Exception):
    """A snapshot cannot be used; the message is one sentence an operator can act on."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A learner's complete state at one point of its input.

    Parameters
    ----------
    model
        Name of the model.
    version
        Counts up with every published snapshot of the model, from 1.
    offset
        Input offset the state was taken at: everything up to and including it is learned.
    created_at
        Seconds since the epoch.
    config_hash
        Hash of the learner's configuration; a state fits only the configuration that made it.
    state
        Arrays and JSON values; dicts keep their order, tuples are not allowed.
    """

    model: str
    version: int
    offset: int
    created_at: float
    config_hash: str
    state: State


def encode(snapshot: Snapshot) -> bytes:
    """Return the container; equal snapshots give equal bytes.

    Raises
    ------
    TypeError
        When the state holds anything but arrays of plain numbers or strings and JSON values.

    Examples
    --------
    >>> taken = Snapshot("churn", 3, 41, 0.0, "c0ffee", {"w": np.arange(3.0), "n": 7})
    >>> decode(encode(taken)).state["n"]
    7
    """
    arrays: list[Array] = []
    state = _plain(snapshot.state, arrays)
    fields = {
        "model": snapshot.model,
        "version": snapshot.version,
        "offset": snapshot.offset,
        "created_at": snapshot.created_at,
        "config_hash": snapshot.config_hash,
        "arrays": [[array.dtype.str, list(array.shape), array.nbytes] for array in arrays],
        "state": state,
    }
    header = "".join(json_pieces(fields)).encode("utf-8", "surrogatepass")
    payload = b"".join([_LENGTH.pack(len(header)), header, *(array.tobytes() for array in arrays)])
    body = zstd.compress(payload, level=1)
    bare = _HEAD.pack(_MAGIC, FORMAT, ZSTD, snapshot.version, len(payload), bytes(32))
    digest = hashlib.sha256(bare)
    digest.update(body)
    return bare[:-32] + digest.digest() + body


def decode(data: bytes, model: str | None = None, config_hash: str | None = None) -> Snapshot:
    """Return the snapshot in `data`, checked from magic to checksum.

    Parameters
    ----------
    data
        A container as made by `encode`.
    model, config_hash
        What the reader expects; None accepts any.

    Raises
    ------
    SnapshotError
        On foreign, truncated or altered bytes, another format, model or configuration.
    """
    version, length = verify(data)
    try:
        payload = zstd.decompress(data[_HEAD.size :])
        snapshot = _parse(payload, length)
    except (zstd.ZstdError, ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        reason = type(error).__name__
        raise SnapshotError(f"snapshot version {version} cannot be read: {reason}") from error
    if snapshot.version != version:
        raise SnapshotError(f"snapshot version {version} contains version {snapshot.version}")
    if model is not None and snapshot.model != model:
        raise SnapshotError(f"snapshot of model {snapshot.model!r} offered to model {model!r}")
    if config_hash is not None and snapshot.config_hash != config_hash:
        raise SnapshotError(
            f"snapshot {snapshot.model} version {version} was made with configuration "
            f"{snapshot.config_hash}, not {config_hash}"
        )
    return snapshot


def verify(data: bytes) -> tuple[int, int]:
    """Return version and payload length of a container after checking everything but its contents.

    Raises
    ------
    SnapshotError
        On foreign, truncated or altered bytes, or another format.
    """
    peek_version(data)
    _, _, _, version, length, digest = _HEAD.unpack_from(data)
    check = hashlib.sha256(data[: _HEAD.size - 32] + bytes(32))
    check.update(memoryview(data)[_HEAD.size :])
    if check.digest() != digest:
        raise SnapshotError(f"snapshot version {version} is damaged: its checksum does not match")
    if length > _MAX_PAYLOAD:
        raise SnapshotError(f"snapshot version {version} claims {length} bytes, more than {_MAX_PAYLOAD}")
    return version, length


def peek_version(data: bytes) -> int:
    """Return the model version a container claims, without reading its payload.

    Raises
    ------
    SnapshotError
        When `data` is not a container of this format.
    """
    if len(data) < _HEAD.size or data[:4] != _MAGIC:
        raise SnapshotError("not a Hark snapshot: the first bytes are not HARK")
    _, fmt, codec, version, _, _ = _HEAD.unpack_from(data)
    if fmt != FORMAT or codec != ZSTD:
        raise SnapshotError(f"snapshot format {fmt} codec {codec} is not format {FORMAT} codec {ZSTD}")
    return int(version)


def _parse(payload: bytes, length: int) -> Snapshot:
    if len(payload) != length:
        raise ValueError("length")
    (size,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size
    header = json.loads(payload[start : start + size].decode("utf-8", "surrogatepass"))
    at = start + size
    arrays: list[Array] = []
    for name, shape, nbytes in header["arrays"]:
        dtype = np.dtype(name)
        if dtype.kind not in _KINDS or at + nbytes > length:
            raise ValueError("array")
        count = math.prod(shape)
        flat = np.frombuffer(payload, dtype, count, at) if count else np.empty(0, dtype)
        arrays.append(flat.reshape(shape).copy())
        at += nbytes
    return Snapshot(
        model=header["model"],
        version=header["version"],
        offset=header["offset"],
        created_at=header["created_at"],
        config_hash=header["config_hash"],
        state=_filled(header["state"], arrays),
    )


def _plain(value: Any, arrays: list[Array]) -> Any:
    """Replace arrays by references, refusing what would not come back as it was."""
    if isinstance(value, dict):
        if any(type(key) is not str for key in value) or _ARRAY_KEY in value:
            raise TypeError("state keys must be strings other than $array")
        return {key: _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        if set(map(type, value)) <= {int, float, str, bool, type(None)}:
            return value
        return [_plain(item, arrays) for item in value]
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _KINDS:
            raise TypeError(f"state arrays of dtype {value.dtype} are not supported")
        arrays.append(value.astype(value.dtype.newbyteorder("<"), copy=False))
        return {_ARRAY_KEY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"state values of type {type(value).__name__} are not supported")


def _filled(value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, dict):
        if _ARRAY_KEY in value:
            return arrays[value[_ARRAY_KEY]]
        return {key: _filled(item, arrays) for key, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [_filled(item, arrays) for item in value]
    return value


def config_hash(config: Mapping[str, Any]) -> str:
    """Return a short stable hash of a JSON-able configuration, independent of key order.

    >>> config_hash({"a": 1, "b": 2}) == config_hash({"b": 2, "a": 1})
    True
    """
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
