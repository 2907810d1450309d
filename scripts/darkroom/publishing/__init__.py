"""The publishing room: LoRA files for every loader, model card, provenance."""
