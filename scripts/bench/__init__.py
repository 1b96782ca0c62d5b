"""What sepkit costs and what it is worth, measured."""
