"""`hark demo`: the simulated world, or a file of real feedback, through the whole pipeline."""
