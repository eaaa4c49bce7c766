"""Moves by hand: the EM is shifted, turned, magnified and mirrored on the LM.

`placed.Placed` is what is moved, a value; `frame` is the frame with its handles, `handles`
what the mouse does with it, `keys` what keys do, and `box.MovesBox` the controls that hold
them together. Whoever hosts that box shows where the EM lies, and keeps what can be undone.
"""
