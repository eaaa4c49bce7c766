"""Fuzzer of the readers of PNG, JPEG and NPY files; see `harness`."""

from harness import main

main("pictures")
