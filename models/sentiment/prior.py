"""The frozen prior: small weights made elsewhere, so that the first event is scored well.

Two weights a feature: one from a lexicon, one from corpora whose licence allows it; the online model
learns how far to trust each. The file is made by `make prior` (recipe in `ops/prior.py`), carries its
own sources and licences, and is refused when its version or checksum does not fit.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from models.sentiment.hashing import U32
from models.sentiment.kernels import PRIOR_BITS

_MAGIC = b"HARKPRI1"
_HEAD = struct.Struct("<8sII")
SHIPPED = "shipped"
NONE = "none"
UNIT = 1.0 / 16.0
"""What one unit of a stored weight adds to the logit before normalisation."""


def pack_table(lexicon: dict[int, float], corpus: dict[int, float]) -> U32:
    """Return the table of `kernels.frozen` from weights by 32-bit feature hash.

    Where two features want one entry the heavier stays.
    """
    table = np.zeros(1 << PRIOR_BITS, np.uint32)
    held = np.zeros(1 << PRIOR_BITS)
    for key in sorted(lexicon.keys() | corpus.keys()):
        pair = [int(np.clip(round(part.get(key, 0.0) / UNIT), -127, 127)) for part in (lexicon, corpus)]
        slot, size = key >> (32 - PRIOR_BITS), abs(pair[0]) + abs(pair[1])
        if size > held[slot]:
            held[slot] = size
            table[slot] = (key & 0xFFFF) << 16 | (pair[0] & 0xFF) << 8 | (pair[1] & 0xFF)
    return table


@dataclass(frozen=True)
class Prior:
    """Tables by language and where they came from.

    Parameters
    ----------
    tables
        By language, uint32 of shape (2**PRIOR_BITS,), see `kernels.frozen`.
    recipe
        Sources with licence and number of rows, seed and options, as JSON values.
    """

    tables: dict[str, U32] = field(default_factory=dict)
    recipe: dict[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Hash of the tables, whatever was written about them."""
        total = hashlib.sha256()
        for lang in sorted(self.tables):
            total.update(lang.encode() + self.tables[lang].tobytes())
        return total.hexdigest()[:16]

    def encode(self) -> bytes:
        """Return the file: magic, checksum, length, then deflated header and occupied entries."""
        langs = sorted(self.tables)
        header = {"bits": PRIOR_BITS, "langs": langs, "recipe": self.recipe}
        text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        parts = [struct.pack("<I", len(text)), text]
        for lang in langs:
            occupied = self.tables[lang] != 0
            parts += [np.packbits(occupied).tobytes(), struct.pack("<I", int(occupied.sum()))]
            parts.append(self.tables[lang][occupied].astype("<u4").tobytes())
        packed = zlib.compress(b"".join(parts), 9)
        return _HEAD.pack(_MAGIC, zlib.crc32(packed), len(packed)) + packed

    @staticmethod
    def decode(data: bytes) -> Prior:
        """Read what `encode` wrote; raises ValueError when version, length or checksum is wrong."""
        if len(data) < _HEAD.size:
            raise ValueError("prior: file is too short")
        magic, checksum, length = _HEAD.unpack_from(data)
        packed = data[_HEAD.size :]
        if magic != _MAGIC:
            raise ValueError(f"prior: version mark is not {_MAGIC.decode()}")
        if len(packed) != length or zlib.crc32(packed) != checksum:
            raise ValueError("prior: length or checksum is wrong")
        body = zlib.decompress(packed)
        (size,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + size])
        if header["bits"] != PRIOR_BITS:
            raise ValueError(f"prior: made for {header['bits']} bits, this build reads {PRIOR_BITS}")
        at = 4 + size
        tables = {}
        for lang in header["langs"]:
            span = (1 << PRIOR_BITS) // 8
            occupied = np.unpackbits(np.frombuffer(body, np.uint8, span, at)).astype(bool)
            (count,) = struct.unpack_from("<I", body, at + span)
            tables[lang] = np.zeros(1 << PRIOR_BITS, np.uint32)
            tables[lang][occupied] = np.frombuffer(body, "<u4", count, at + span + 4)
            at += span + 4 + 4 * count
        return Prior(tables, header["recipe"])


@cache
def load_prior(name: str = SHIPPED) -> Prior:
    """Return the shipped prior, an empty one for "none", or the one in the file `name`."""
    if name == NONE:
        return Prior()
    if name == SHIPPED:
        shipped = files("models.sentiment").joinpath("prior.bin")
        return Prior.decode(shipped.read_bytes()) if shipped.is_file() else Prior()
    return Prior.decode(Path(name).read_bytes())
