"""Subcommands of `hark`."""
