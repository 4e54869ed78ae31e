"""Find and mask personal data; one recogniser a file."""
