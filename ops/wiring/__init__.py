"""What the command line connects to: topics read whole, records sent, history read back from the store."""
