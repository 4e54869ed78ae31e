"""What a service's status means for a work order, seen from the action it was given for."""

from __future__ import annotations

from models.follow_up.policy import Kind
from models.follow_up.progress import Entry

ESCALATE, TELL, RETRY, HAND, REOPEN, MAKEGOOD = "escalate", "tell", "retry", "hand", "reopen", "makegood"
TOLD = frozenset({"delivered", "resolved", "customer_told"})


def translate(
    ident: str,
    status: str,
    at: int,
    kind: Kind,
    step: str = "",
    *,
    by: str = "",
    reason: str = "",
    team: str = "",
) -> Entry | None:
    """Return what to add to the work order, None for what is no news of it.

    Parameters
    ----------
    kind
        Of the action the status is about.
    step
        Which step sent that action; empty for the work order's own.

    Examples
    --------
    A coupon is finished when it was delivered, a ticket is not:

    >>> coupon = Kind(by="service", delivered="resolved", customer="reached", failed="ticket")
    >>> translate("s1", "delivered", 5, coupon).status
    'resolved'

    That somebody's boss could not be reached does not make the work fail:

    >>> translate("s2", "failed", 5, coupon, ESCALATE) is None
    True
    """
    if step == TELL:
        if status not in TOLD:
            return None
        status = "customer_told"
    elif step == ESCALATE and status in ("failed", "delivered"):
        return None
    elif status == "delivered" and kind.delivered == "resolved":
        status = "resolved"
    tells = status == "customer_told" or (
        status == "resolved" and kind.customer == "reached" and step != ESCALATE
    )
    return Entry(ident, status, at, by, reason, team if status == "assigned" else "", tells)
