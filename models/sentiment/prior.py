"""The frozen prior: small weights learned elsewhere, so that the first event is scored well.

One byte a bucket. The file is made by `make prior` (recipe in `ops/prior.py`), carries its own
sources and licences, and is refused when its version or checksum does not fit.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.sentiment.kernels import PRIOR_BITS

_MAGIC = b"HARKPRI1"
_HEAD = struct.Struct("<8sII")
SHIPPED = "shipped"
NONE = "none"


@dataclass(frozen=True)
class Prior:
    """Weights by language, in units of `scales`, and where they came from.

    Parameters
    ----------
    weights
        By language, int8 of shape (2**PRIOR_BITS,).
    scales
        By language, what one unit of the weight adds before normalisation.
    recipe
        Sources with licence and number of rows, seed and options, as JSON values.
    """

    weights: dict[str, npt.NDArray[np.int8]] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    recipe: dict[str, object] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the file: magic, checksum, length, then deflated header and weights."""
        langs = sorted(self.weights)
        header = {"langs": langs, "scales": self.scales, "recipe": self.recipe, "bits": PRIOR_BITS}
        text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        body = struct.pack("<I", len(text)) + text + b"".join(self.weights[k].tobytes() for k in langs)
        packed = zlib.compress(body, 9)
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
        table = np.frombuffer(body, np.int8, offset=4 + size).reshape(len(header["langs"]), 1 << PRIOR_BITS)
        weights = {lang: table[i].copy() for i, lang in enumerate(header["langs"])}
        return Prior(weights, header["scales"], header["recipe"])


@cache
def load_prior(name: str = SHIPPED) -> Prior:
    """Return the shipped prior, an empty one for "none", or the one in the file `name`."""
    if name == NONE:
        return Prior()
    if name == SHIPPED:
        shipped = files("models.sentiment").joinpath("prior.bin")
        return Prior.decode(shipped.read_bytes()) if shipped.is_file() else Prior()
    return Prior.decode(Path(name).read_bytes())
