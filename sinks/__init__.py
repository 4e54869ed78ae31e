"""Where decided rows go."""
