"""Synthetic audio to train on where recordings are few: music from MIDI, singing, synthetic voices."""
