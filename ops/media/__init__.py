"""Reads the attachments of feedback that came without a text."""
