"""The dataset room: the one manifest of what exactly is trained on."""
