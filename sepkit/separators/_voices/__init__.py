"""What the members share that part voices: from what a network hears to each voice of the source.

    source ─ mean of the channels, at the network's rate ─ `segments`, each run once ─┬ `level` ─ one order ─ joined
                                                                                      └ `places` ─ `upper_band` ─ voices

Place: below `speakers`, whose network looks only so far, and below the published networks, each of which hears a
segment as a whole and gives its voices in any order and at any level.
"""
