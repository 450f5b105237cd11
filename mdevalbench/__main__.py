"""`python -m mdevalbench`, as `accelerate launch -m` wants it."""

from mdevalbench.cli.main import app

app()
