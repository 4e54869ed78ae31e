"""Faust agents and what carries them: topics, slices, partition state."""
