"""The dock `Landmarks`: pairs of points placed by hand, the fit to them, and what it is worth.

All that the user has set is one value, `pairing.Pairing`, and `fitting.fit` makes of it what
is shown; both know no widget. `desk.Desk` holds the two, with what can be undone. Around it
stand those who show them and tell it what the user does: `point_layers`, `pointer` and
`looking` in the canvas (what points look like is in `markers`), `overlay` and `error_layer`
as images, `pair_table` and `boxes` in the dock, in the words of `telling`. `proposing` finds
places worth a pair, `files` saves and loads, `widget` wires it all.
"""
