"""Rules: load, check, evaluate, arbitrate."""
