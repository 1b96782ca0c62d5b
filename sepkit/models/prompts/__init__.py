"""Prompts understood with no network: which of the sounds that sepkit knows "a woman talking" asks for."""

from sepkit.models.prompts.sounds import SOUNDS
from sepkit.models.prompts.understand import Understood, understand

__all__ = ["SOUNDS", "Understood", "understand"]
