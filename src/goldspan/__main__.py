"""`python -m goldspan`: the command line."""

from goldspan.cli.main import run

run()
