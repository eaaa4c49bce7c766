"""The dock *Export*: transforms out and in, other layers laid along, images, figures, reports.

`held` says which transforms a viewer holds, and each box of the dock is about one thing that is
done with the chosen one. The boxes ask and show; beside each, `saving`, `opening`, `laying`,
`drawing` (of what is resolved in `orders`) and `reporting` do it, the long parts in the one
worker of `work`. Pixels are drawn by `io.warped_images` and `io.figures`, reports by `report`.
"""
