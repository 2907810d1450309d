"""Photos and pictures: opened, turned upright, reduced, laid out in sheets."""
