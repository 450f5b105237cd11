"""Models: built-in baselines and what is known about others."""
