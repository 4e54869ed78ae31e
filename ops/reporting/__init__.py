"""What a run or a store says of itself, for the terminal, as JSON and as a page."""
