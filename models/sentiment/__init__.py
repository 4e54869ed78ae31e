"""Polarity learned online."""
