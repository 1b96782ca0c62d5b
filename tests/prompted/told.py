"""`halves`, which also says how it understands a prompt: "low" is near, "high" far. Source: none. Code: MIT."""

from sepkit.models.prompts.meaning import FAR, UNDERSTOOD, quoted
from tests.prompted import halves
from tests.prompted.halves import Options

__all__ = ["Options", "Separator"]


class Separator(halves.Separator):
    """The same sound."""

    def understood(self, prompt):
        said = f"{quoted(prompt)} {UNDERSTOOD}"
        return f"{said} hum (0.91)" if prompt == "low" else f"{said} hiss (0.31), {FAR}: name the sound in other words"
