"""The same work done another way, each a program of its own.

Run as `python -m ops.bench.peers.<name> …`. Each reads `bench.in`, stops after a number of records
and prints one JSON line: records, seconds and CPU µs a record from the first record to the last,
start-up left out. They run in a virtual environment of their own (`hark bench --install-peers`), so
that Hark depends on none of them.
"""
