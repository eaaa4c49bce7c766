"""The dock `Compare`: two images that lie on one another, looked at in several ways.

`widget` is the dock, `boxes` its parts. `stage` holds the two layers and all that was
changed for a while (`loan`). Each way of looking is a `mode.Mode`, a box of controls that
knows what to do to the stage: `blending` (opacity, blink), `checkerboard` and `curtain` (both
a `cover`), `merge`, `edges`. The computing knows no widget: `mesh`, `contrast`, `outlines`,
`lengths`, and `glimpse`, which is read in a worker, as `warped` is made. Beside them:
`candidates`, and the `keys`.
"""
