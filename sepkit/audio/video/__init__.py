"""Videos written: every stream of the source as it is, packet for packet, with the sound that a rendering made.

    source ─ every packet ────────────────┬ mux ─ the video
    sound, a file ─ encode (new_track) ───┘

`kinds` says which containers, `new_track` how a sound is coded in them, `belongings` what goes along beside the packets
or is lost, and `remux` brings them together. Nothing before the last step of a run knows of it.
"""
