"""Prompts understood with no network: which of the sounds that sepkit knows "a woman talking" asks for."""

from sepkit.models.prompts.meaning import Understood, understand
from sepkit.models.prompts.sounds import SOUNDS

__all__ = ["SOUNDS", "Understood", "understand"]
