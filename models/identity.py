"""Who said it: channel handles joined to customers, as far as consent allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Linked:
    """A handle joined to a customer."""

    customer_id: str
    basis: str


class Links:
    """Handles (as pseudonyms) to customers; the newest word on a handle counts.

    Unlinking and withdrawn consent take effect on the next event. Memory: about 200 bytes a link.
    """

    def __init__(self) -> None:
        self._links: dict[str, Linked] = {}

    def put(self, voice: str, customer_id: str | None, consent: str, basis: str) -> None:
        """Apply one record of `customers.links`; `voice` is the pseudonym of channel and handle."""
        if customer_id is None or consent != "granted":
            self._links.pop(voice, None)
        else:
            self._links[voice] = Linked(customer_id, basis)

    def customer_of(self, voice: str) -> str | None:
        """Return the customer behind a voice, None while unlinked."""
        linked = self._links.get(voice)
        return linked.customer_id if linked else None

    def __len__(self) -> int:
        return len(self._links)
