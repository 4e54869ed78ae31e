"""The ClickHouse sink, its schema and its queries."""
