"""Thin programs around sepkit: the original's two commands, the benchmark, the maker of the pilot data."""
