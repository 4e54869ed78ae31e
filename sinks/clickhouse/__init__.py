"""ClickHouse: the archive's sink, its schema and the queries people and dashboards ask."""

from sinks.clickhouse.client import Client, connect
from sinks.clickhouse.schema import Schema, SchemaError
from sinks.clickhouse.sink import ClickHouseSink

__all__ = ["Client", "ClickHouseSink", "Schema", "SchemaError", "connect"]
