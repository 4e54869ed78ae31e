"""Drift watched on errors, scores and inputs."""
