"""Label files of other programs, and sepkit's own tables, as the windows and prompts of edits.

    FILE ─ text ─ which format? ─┬ audacity, audition, reaper, srt, webvtt, rttm ─┬ Labels ─ edits_from ─ Edit, Edit, …
                                 └ table (CSV), records (JSON)                    ┘

Each format is one file here with `NAME`, `SUFFIXES`, `looks(page)` and `rows(page)`.
"""

from sepkit.config.labels.audacity import label_track, write_audacity
from sepkit.config.labels.meaning import edits_from
from sepkit.config.labels.reading import read_labels
from sepkit.config.labels.row import Label, Labels

__all__ = ["Label", "Labels", "edits_from", "label_track", "read_labels", "write_audacity"]
