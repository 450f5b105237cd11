"""MD-EvalBench: measure how well language models do molecular dynamics."""

__version__ = "0.1.0"
