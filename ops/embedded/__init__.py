"""The embedded broker (Tansu) and store (chDB)."""
