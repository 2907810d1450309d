"""The training room: weights, prior pictures, encodings, the LoRA."""
