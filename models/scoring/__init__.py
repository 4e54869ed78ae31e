"""Scores a customer's log: duplicates, features, model scores, training examples."""
