"""Feeds sepkit damaged files and counts what it does: `python -m scripts.fuzz`."""
