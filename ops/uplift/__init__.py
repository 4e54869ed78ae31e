"""Uplift for people: any randomised table, and the rules in the store."""
