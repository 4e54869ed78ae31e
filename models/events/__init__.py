"""Contracts of every topic as pydantic models."""
