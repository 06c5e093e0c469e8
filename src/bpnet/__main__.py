"""`python -m bpnet` is the command `bpnet`."""

from bpnet.cli import main

main(prog_name="bpnet")
