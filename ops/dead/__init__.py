"""Dead letters: find them, see where they stand, publish the originals again."""
