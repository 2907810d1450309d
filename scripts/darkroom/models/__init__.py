"""Models: fetched, locked, and loaded where several rooms use them."""
