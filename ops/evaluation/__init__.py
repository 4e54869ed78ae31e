"""`hark eval`: product models on files."""
