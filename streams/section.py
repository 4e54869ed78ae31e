"""The keys of partition state that begin alike, as a mapping for steps that know nothing of state."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, MutableMapping

from streams.state import PartitionState


class Section(MutableMapping[str, bytes]):
    """A view: what is set goes into the slice under way, what is counted and listed is committed.

    Examples
    --------
    >>> state = PartitionState(0)
    >>> section = Section(state, b"w:")
    >>> section["ann"] = b"[]"
    >>> state.get(b"w:ann"), "bob" in section
    (b'[]', False)
    """

    def __init__(self, state: PartitionState, prefix: bytes) -> None:
        self._state = state
        self._prefix = prefix

    def __getitem__(self, name: str) -> bytes:
        value = self._state.get(self._prefix + name.encode())
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: bytes) -> None:
        self._state.put(self._prefix + name.encode(), value)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._state.delete(self._prefix + name.encode())

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.committed())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def items(self) -> ItemsView[str, bytes]:
        """Return names and committed values; each is read once, where a mapping's own view asks twice."""
        return _Items(self)

    def committed(self) -> Iterator[tuple[str, bytes]]:
        """Yield names and committed values."""
        start = len(self._prefix)
        return ((key[start:].decode(), value) for key, value in self._state.items(self._prefix))


class _Items(ItemsView[str, bytes]):
    _mapping: Section

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return self._mapping.committed()
