"""Limit what a Kafka user may send and fetch (``AlterClientQuotas``, KIP-546)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

PRODUCE, FETCH, REQUESTS = "producer_byte_rate", "consumer_byte_rate", "request_percentage"
"""Bytes a second and broker; share of a broker's network and request threads, in per cent."""

KEYS = (PRODUCE, FETCH, REQUESTS)
_TEXT = String("utf-8")


class AlterClientQuotasResponse(Response):
    """Version 0: an error, or none, for each entity."""

    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(
                ("error_code", Int16),
                ("error_message", _TEXT),
                ("entity", Array(("entity_type", _TEXT), ("entity_name", _TEXT))),
            ),
        ),
    )


class AlterClientQuotasStruct(RequestStruct):
    """Version 0: values to set or remove, by entity."""

    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = AlterClientQuotasResponse
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", Array(("entity_type", _TEXT), ("entity_name", _TEXT))),
                ("ops", Array(("key", _TEXT), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class AlterClientQuotas(Request[AlterClientQuotasStruct]):
    """What aiokafka's clients need to send it."""

    API_KEY = 49

    def __init__(self, quotas: Mapping[str, Mapping[str, float]]) -> None:
        self._quotas = quotas

    def build(self, request_struct_class: type[AlterClientQuotasStruct]) -> AlterClientQuotasStruct:
        """Return the request: of a user that is named, what is not given is removed."""
        entries = [
            ([("user", user)], [(key, float(given.get(key, 0.0)), key not in given) for key in KEYS])
            for user, given in self._quotas.items()
        ]
        return request_struct_class(entries, False)


async def limit(client_settings: Mapping[str, Any], quotas: Mapping[str, Mapping[str, float]]) -> int:
    """Set the quotas of users and return of how many; users that are not named keep what they have.

    Parameters
    ----------
    client_settings : mapping
        Keyword arguments of an aiokafka client whose user may alter the cluster.
    quotas : mapping of str to mapping
        By user, values of `KEYS`; what is missing is removed.

    Raises
    ------
    aiokafka.errors.KafkaError
        When the cluster refuses one of them.
    """
    if not quotas:
        return 0
    client = AIOKafkaClient(**client_settings)
    await client.bootstrap()
    try:
        answer = await client.send(client.get_random_node(), AlterClientQuotas(quotas))
        for code, message, _ in answer.entries:
            error = for_code(code)
            if error is not NoError:
                raise error(message)
        return len(quotas)
    finally:
        await client.close()
