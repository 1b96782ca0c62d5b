"""What a user can get wrong. A message is one line: field or file, what was found, what is allowed, the next step."""


class SepkitError(Exception):
    """An error that the person running sepkit can act on; the command line shows its message without a traceback."""


class ConfigError(SepkitError):
    """A configuration that cannot be used: names the field's path, the value found and the values allowed."""


class SourceError(SepkitError):
    """An input that cannot be read as audio, or holds samples that mean nothing (NaN, Inf, no frames)."""


class UnsuitableError(SourceError):
    """An input that is whole, but on which a member cannot do its work: one channel, where it unmixes several."""


class OutputError(SepkitError):
    """An output that cannot be written: no permission, no space, or two inputs that would write the same file."""


class PromptError(SepkitError):
    """Words for a sound that cannot be understood: none, too many, or none that sepkit knows."""


class WeightsError(SepkitError):
    """A model's weights that are absent, damaged or unsafe to load."""


class DeviceError(SepkitError):
    """A device that does not exist on this machine."""


def one_line(error: BaseException) -> str:
    """An error as one line for a report; what is not sepkit's own says what kind it is."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it; free some, or choose a smaller windows.body_s"
    text = " ".join(str(error).split())
    return text if isinstance(error, SepkitError) else f"{type(error).__name__}: {text}"
