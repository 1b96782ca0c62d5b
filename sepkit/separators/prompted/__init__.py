"""The member `prompted`: the sound that a prompt names. `network` and `bands` compute it, `separator` is the member."""
