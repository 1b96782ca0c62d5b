"""`python -m sepkit`: the same as the command `sepkit`."""

from sepkit.cli import main

main(prog_name="sepkit")
