"""The order of the stages: `steps`, the generator; `register`, the function; `Registration`."""
