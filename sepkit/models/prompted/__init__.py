"""The network `prompted`: hears which of the known sounds are there when, and takes the one that is asked for.

bands ─ network ─ weights ─┬ the member `prompted` (`sepkit.separators.prompted`): a sound out of a mix
                           └ hearing ─ `sepkit.models.events`: which sounds are in a recording, and when
"""
