"""Who speaks: a voice as a vector of 256 numbers, near for one person and far for two.

    speech, 16 kHz ─ mel bands (`mel`) ─ parts of 1.6 s ─ LSTM (`encoder`) ─ mean, length 1 ─ vector

Place: the order of voices over hours (`sepkit.render.speakers`). Model card: `sepkit/weights/voices.md`.
"""
