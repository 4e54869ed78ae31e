"""Who may do what on the arena's brokers: anybody everything, or a user for each set of agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ops.kafka.acl_file import grants, load
from ops.kafka.acls import allow
from ops.kafka.cluster import Cluster
from ops.kafka.properties import ADMIN
from streams import kafka
from streams.settings import Settings

CHAIN_USER = "chain"
"""A process of several agents logs in once, so its user has what each of them has and no more."""


class Access:
    """The arena's brokers and how to log in to them.

    Parameters
    ----------
    nodes
        Brokers.
    locked
        TLS, SASL and the shipped ACLs, which deny what no agent needs.
    properties
        Further settings of the brokers.
    """

    def __init__(self, nodes: int, locked: bool, properties: Mapping[str, str] | None = None) -> None:
        self.locked = locked
        users = [*load().users, CHAIN_USER] if locked else []
        self.cluster = Cluster(
            nodes, tls=locked, sasl=locked, acls=locked, users=users, properties=properties
        )

    def environment(self, agents: Sequence[str]) -> dict[str, str]:
        """Return the `HARK_*` variables with which a process of these agents connects; none: the admin."""
        found = {"HARK_BROKER": self.cluster.bootstrap}
        if not self.locked:
            return found
        user = (CHAIN_USER if len(agents) > 1 else f"hark-{agents[0]}") if agents else ADMIN
        return found | {
            "HARK_SECURITY_PROTOCOL": "SASL_SSL",
            "HARK_SSL_CA": str(self.cluster.ca_file),
            "HARK_SASL_USERNAME": user,
            "HARK_SASL_PASSWORD": self.cluster.passwords[user],
        }

    async def grant(self, settings: Settings, chain: Sequence[str]) -> None:
        """Create the shipped ACLs and those of a process that runs the agents of `chain`."""
        if not self.locked:
            return
        shipped = grants(load(), settings.client_id)
        parts = {f"hark-{agent}" for agent in chain}
        chained = [replace(grant, user=CHAIN_USER) for grant in shipped if grant.user in parts]
        await allow(kafka.connection(settings, "admin"), [*shipped, *chained])
