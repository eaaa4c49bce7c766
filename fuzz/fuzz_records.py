"""Fuzzer of the readers of the records of a batch's rows; see `harness`."""

from harness import main

main("records")
