"""The member `prompted`: the sound that a prompt names. `sepkit.models.prompted` is its network."""
