"""The evaluation room: render, score, choose, draw."""
