"""The pocket world: rendered toys with exact captions, masks and boxes, and tiny models really trained on them."""
