"""What a person looks at: the before/after table, spectrograms, loudness-matched snippets."""
