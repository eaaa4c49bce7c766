"""Fuzzer of the readers of session files; see `harness`."""

from harness import main

main("sessions")
