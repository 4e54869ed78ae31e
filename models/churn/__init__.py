"""Churn and other propensities from delayed outcomes."""
