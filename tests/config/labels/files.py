"""Label files as programs write them, and how they are read in a test."""

from pathlib import Path

from sepkit.config.labels import Labels, read_labels

AUDACITY = (
    "0.000000\t4.000000\tdog bark\n\\\t200.000000\t4000.000000\n6.250000\t6.250000\tclick\n8.000000\t10.500000\t\n"
)
AUDITION = (
    "Name\tStart\tDuration\tTime Format\tType\tDescription\n"
    "Marker 01\t0:05.500\t0:02.250\tdecimal\tCue\t\n"
    "dog bark\t1:02:03.250\t1:00.000\tdecimal\tCue\tsaid twice\n"
    "Marker 03\t0:30.000\t0:00.000\tdecimal\tCue\t\n"
)
REAPER = (
    "#,Name,Start,End,Length,Color\n"
    'R1,"dog, bark",0:05.500,1:10.000,1:04.500,\n'
    "M1,click,0:30.000,,,FF0000\n"
    "R2,,1:02:03.250,1:02:04.000,0:00.750,\n"
)
SRT = (
    "1\n00:00:01,500 --> 00:00:04,000\n<i>dog</i>\nbark\n\n"
    "2\n01:00:08,500 --> 01:00:09,000 X1:63 X2:223 Y1:43 Y2:58\n{\\an8}cat &amp; mouse\n"
)
WEBVTT = (
    "WEBVTT - made by hand\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE not --> a cue\n\n"
    "first\n00:01.500 --> 00:04.000 align:start line:0\n<v Anna>dog bark</v>\n\n01:00:08.500 --> 01:00:09.000\ncat\n"
)
RTTM = (
    ";; by hand\n"
    "SPKR-INFO talk 1 <NA> <NA> <NA> adult_female anna <NA>\n"
    "SPEAKER talk 1 0.50 2.25 <NA> <NA> anna <NA> <NA>\n"
    "SPEAKER talk 1 10.00 0.75 <NA> <NA> <NA> <NA> <NA>\n"
)
CSV = (
    "prompt,mode,start_s,end_s,fade_ms,strength\n"
    "dog bark,remove,0,4,,\n"
    "dog bark,remove,8,10.5,,\n"
    "# a comment\n"
    "\n"
    '"speech, female",Keep,1:30,2:00,20,0.5\n'
    "hiss,remove,,,,\n"
)
JSON = (
    '[{"prompt": "dog bark", "mode": "remove", "start_s": 0, "end_s": 4.5},\n'
    ' {"class": "cat", "start_s": 1, "end_s": 2, "confidence": 0.25}]'
)
ALL = {
    "a.txt": AUDACITY,
    "a.csv": AUDITION,
    "r.csv": REAPER,
    "s.srt": SRT,
    "v.vtt": WEBVTT,
    "d.rttm": RTTM,
    "t.csv": CSV,
    "t.json": JSON,
}


def read(folder: Path, content: str | bytes, name: str = "labels.txt") -> Labels:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(path)


def told(labels: Labels) -> list[tuple[float | None, float | None, str]]:
    return [(row.start_s, row.end_s, row.text) for row in labels.rows]
