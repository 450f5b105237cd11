"""Light tasks without end, drawn by a seed: the training tier and sealed suites."""
