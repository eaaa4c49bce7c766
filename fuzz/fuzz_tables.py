"""Fuzzer of the readers of tables of pairs, and of points and shapes; see `harness`."""

from harness import main

main("tables")
