"""How files with sound are named: what a folder is searched for where nobody names a pattern."""

READABLE = (
    # what libsndfile reads
    *("wav", "wave", "bwf", "rf64", "w64", "aif", "aiff", "aifc", "caf", "au", "snd", "flac"),
    *("ogg", "oga", "opus", "mp2", "mp3"),
    # what FFmpeg reads: sound
    *("m4a", "m4b", "aac", "ac3", "eac3", "dts", "amr", "ape", "tta", "wv", "wma", "mka"),
    # and the sound of videos
    *("mp4", "m4v", "mov", "3gp", "mkv", "webm", "avi", "wmv", "asf", "flv", "ogv"),
    *("mpg", "mpeg", "vob", "ts", "mts", "m2ts", "mxf"),
)
"""Without the dot; case does not matter."""
