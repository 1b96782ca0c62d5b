"""How the prompts' table of word pieces is made: a sentence encoder's vectors of many short phrases, distilled."""
