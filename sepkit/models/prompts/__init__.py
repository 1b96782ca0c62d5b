"""Prompts understood with no network: what "a woman talking" or "dog bark" asks for, of the sounds that sepkit knows."""

from sepkit.models.prompts.sounds import SOUNDS
from sepkit.models.prompts.understand import Understood, understand

__all__ = ["SOUNDS", "Understood", "understand"]
