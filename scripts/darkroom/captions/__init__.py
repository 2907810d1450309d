"""The captions room: describe with Florence-2, rewrite per target."""
