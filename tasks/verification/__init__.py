"""Proof that the judge judges rightly, and how often it does not: verification, its record, error rates."""
