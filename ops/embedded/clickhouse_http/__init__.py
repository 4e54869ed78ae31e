"""The ClickHouse HTTP interface over chDB, the ClickHouse engine in process."""
