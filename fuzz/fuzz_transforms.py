"""Fuzzer of the readers of transforms in the files of all programs; see `harness`."""

from harness import main

main("transforms")
