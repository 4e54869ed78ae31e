"""Files of feedback become events."""
