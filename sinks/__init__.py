"""Where the archive agent puts what the pipeline did: one protocol, a memory and a ClickHouse sink."""
