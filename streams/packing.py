"""Values of partition state as they rest: zstd with a dictionary of what Hark's states look like.

A customer's state is 1.3 kB of JSON, most of it the same names for everybody: alone it hardly gets
smaller, with a dictionary it is 0.5 kB, for 5 µs to pack and 2 to unpack (`ops.state_dictionary` makes
the dictionary and prints what it gains). A worker holds twice the customers, and the changelog has
less than half the bytes to write, keep and read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import zstandard

LEVEL = 1
WORTH_BYTES = 96
"""Shorter values stay as they are: they gain less than unpacking them costs."""
_MAGIC = b"\x28\xb5\x2f\xfd"
"""Of a zstd frame (RFC 8878, 3.1.1); no JSON text and no UTF-8 begins like this."""
_DICTIONARIES = Path(__file__).parent / "dictionaries"


class NotUnpacked(ValueError):
    """A value cannot be read; the message says which dictionary it needs."""


class Packer:
    """Packs with the newest dictionary, unpacks with the one a value names. For one thread.

    Parameters
    ----------
    dictionaries
        Oldest first. Those of former versions stay: changelogs hold values packed with them.

    Examples
    --------
    >>> packer = shared_packer()
    >>> value = b'{"f":{"t":1,"tier":"gold","p30":0.47},"s":{},"r":[]}' * 5
    >>> packed = packer.pack(value)
    >>> len(packed) < len(value), packer.unpack(packed) == value
    (True, True)
    >>> packer.unpack(packer.pack(b"{}"))
    b'{}'
    """

    def __init__(self, dictionaries: Sequence[bytes]) -> None:
        known = [zstandard.ZstdCompressionDict(content) for content in dictionaries]
        newest = known[-1]
        newest.precompute_compress(level=LEVEL)
        self._pack = zstandard.ZstdCompressor(LEVEL, dict_data=newest).compress
        self._unpack = zstandard.ZstdDecompressor(dict_data=newest).decompress
        self._newest = newest.dict_id()
        self._older = {one.dict_id(): zstandard.ZstdDecompressor(dict_data=one) for one in known[:-1]}

    def pack(self, value: bytes) -> bytes:
        """Return what is kept and written; short values and those that hardly shrink are as they were."""
        if len(value) < WORTH_BYTES:
            return _own(value)
        packed = self._pack(value)
        return packed if 4 * len(packed) <= 3 * len(value) else _own(value)

    def unpack(self, packed: bytes) -> bytes:
        """Return the value.

        Raises
        ------
        NotUnpacked
            When it is damaged, or packed with a dictionary this version does not have.
        """
        if packed[:4] != _MAGIC:
            return packed
        try:
            return self._unpack(packed)
        except zstandard.ZstdError as error:
            ident = zstandard.get_frame_parameters(packed).dict_id
            older = self._older.get(ident)
            if older is not None:
                return older.decompress(packed)
            why = "is damaged" if ident == self._newest else f"needs dictionary {ident}, which is not here"
            raise NotUnpacked(f"a value of partition state {why}; start the version that wrote it") from error


def _own(value: bytes) -> bytes:
    # orjson hands out its whole buffer: 8.2 kB resident for 1.1 kB of text, 1.2 kB once copied.
    return bytes(memoryview(value))


@cache
def shared_packer() -> Packer:
    """Return the packer of this process with all dictionaries that ever shipped."""
    return Packer([path.read_bytes() for path in sorted(_DICTIONARIES.glob("*.bin"))])
