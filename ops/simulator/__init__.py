"""A world whose truth is known."""
