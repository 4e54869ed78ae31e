"""Pages and schemas made from the code, and the check that a contract still keeps its word."""
