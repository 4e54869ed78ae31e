"""Two-level topics, kind, urgency and priority."""
