"""The same work done another way, each a program of its own: `python -m ops.bench.peers.<name> BROKER COUNT …`.

Each reads `bench.in`, stops after COUNT records and prints one JSON line: records, seconds and CPU
seconds between the first record and the last, start-up left out. They run in a virtual environment
of their own (`hark bench --install-peers`), so that Hark depends on none of them.
"""
