"""Files of other systems become events, by a mapping file."""
