"""Speech by synthesizers: flite, festival and espeak-ng say random sentences, the last one in sixteen languages.

    python -m scripts.training_audio.voices --out OUT [--count 160]

    random sentences ─ synthesizer, voice, speed, pitch ─ 16 kHz mono ─ trim ─ OUT/speech/synthetic/<voice>__<k>.flac

Sources: https://github.com/festvox/flite, https://github.com/festvox/festival, https://github.com/espeak-ng/espeak-ng.
Each file is seeded by its number k: the same program versions make the same speech.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import soundfile
import soxr
from tqdm import tqdm

from scripts.training_audio import store
from scripts.training_audio.store import Origin, Signal, UnusableError
from sepkit.errors import SepkitError
from sepkit.training.corpus import SAMPLE_RATE


def phrases(text: str) -> tuple[str, ...]:
    """What stands between the bars."""
    return tuple(part.strip() for part in text.split("|"))


WHO = phrases(
    """
    my sister|the old captain|a young doctor|our neighbour|the head teacher|nobody in the village|every visitor|
    the woman next door|a tired waiter|the committee|his grandmother|the driver of the bus|Thomas|Rebecca|
    the orchestra|the last guest|a group of students|the weather service|your friend Julia|
    the man with the yellow umbrella|the chef|the president of the club|two fishermen|the whole family|the engineer|
    a stranger|the farmer's wife
    """
)
DID = phrases(
    """
    had forgotten|carefully measured|was looking for|finally sold|could not explain|kept talking about|
    wanted to paint|photographed|promised to repair|never trusted|quietly opened|borrowed|described at length|
    brought back|threw away|asked me about|would rather avoid|discovered|counted|paid eighty pounds for|
    refused to join|wrote a letter about
    """
)
WHAT = phrases(
    """
    the broken window|seventeen boxes of oranges|a cheap violin|the timetable|the question of money|
    their summer house|the frozen lake|an unusual kind of bread|the blue bicycle|the noise in the kitchen|
    a map of Europe|the third chapter|the garden gate|those big black shoes|the measurement of very small things|
    a thick jacket|the football match|the recipe for fish soup|the empty church|such a beautiful voice|
    the judge's decision|a package from Chicago
    """
)
WHEN = phrases(
    """
    before breakfast|on the first of March|during the long winter|while it rained|an hour later|just in time|
    after the concert|at half past six|without a word|in the middle of the night|for the second time this year|
    as usual|somewhere between Glasgow and York|with great pleasure|because the bridge was closed|
    although it was getting late|despite the warnings|in nineteen eighty-four|if I remember correctly
    """
)
WHOLE = phrases(
    """
    What shall we do about it?|I think so, but I am not sure.|Please turn left at the next junction.|
    Thank you very much for calling.|How far is it to the station?|Well, that is another story.|
    Be careful, the plate is hot.|The temperature will rise to twenty-three degrees.|
    Could you say that again, please?|Press the button twice and wait.|This is the seven o'clock news.|
    Nothing else happened that week.|You should have seen their faces!|Choose whichever you like.|
    We'll be there by Thursday, won't we?|Six hundred and fifty votes were counted.|
    She sells the sharpest scissors in this shop.|Both children thought the thunder was thrilling.|
    The measure gave us neither joy nor leisure.|Why do you always have to shout?|Yes, exactly.|
    Oh, I see what you mean.
    """
)
OTHER_LANGUAGES = {
    "de": """
        Heute Morgen war der Himmel noch ganz klar.|Könnten Sie mir bitte das Salz reichen?|
        Der Zug nach Hamburg hat zwanzig Minuten Verspätung.|
        Meine Schwester wohnt seit drei Jahren in einer kleinen Stadt am Meer.|
        Das habe ich überhaupt nicht verstanden.|Zwischen den Bergen liegt ein tiefer See.|
        Wir kaufen frisches Brot und etwas Käse.
    """,
    "fr-fr": """
        Il fait beau ce matin, mais il pleuvra peut-être ce soir.|
        Je voudrais un café et un verre d'eau, s'il vous plaît.|Le train pour Lyon part à huit heures vingt.|
        Ma grand-mère raconte toujours de vieilles histoires.|Où avez-vous trouvé ce livre?|
        Les enfants jouent dans le jardin derrière la maison.|On ne sait jamais ce qui va se passer.
    """,
    "es": """
        Esta mañana salió el sol muy temprano.|¿Dónde está la estación de autobuses?|
        Mi hermano trabaja en una fábrica de muebles.|Quisiera dos kilos de naranjas y un poco de queso.|
        No me acuerdo del nombre de aquella calle.|Los niños corren por la playa con el perro.|
        Mañana hablaremos de todo esto con más calma.
    """,
    "it": """
        Questa mattina il cielo era molto chiaro.|Vorrei un bicchiere d'acqua e un po' di pane.|
        Il treno per Firenze parte alle otto e mezza.|Mia zia abita in una piccola casa vicino al mare.|
        Non ho capito niente di quello che hai detto.|I ragazzi giocano a pallone nella piazza.
    """,
    "pt-br": """
        Hoje de manhã o céu estava muito claro.|Onde fica a estação de trem?|
        Minha irmã mora numa cidade pequena perto do mar.|Eu gostaria de um café com leite, por favor.|
        Ninguém sabe o que vai acontecer amanhã.|As crianças brincam no jardim com o cachorro.
    """,
    "nl": """
        Vanmorgen was de lucht nog helemaal helder.|Kunt u mij het zout even aangeven?|
        De trein naar Utrecht heeft tien minuten vertraging.|Mijn broer woont al jaren in een klein dorp.|
        Dat heb ik helemaal niet begrepen.|De kinderen spelen achter het huis in de tuin.
    """,
    "sv": """
        I morse var himlen alldeles klar.|Kan du skicka saltet, tack?|
        Tåget till Göteborg är tjugo minuter försenat.|Min syster bor i en liten stad vid havet.|
        Det förstod jag inte alls.|Barnen leker i trädgården bakom huset.
    """,
    "pl": """
        Dziś rano niebo było zupełnie czyste.|Gdzie jest dworzec kolejowy?|
        Moja siostra mieszka w małym mieście nad morzem.|Poproszę kawę i szklankę wody.|Nic z tego nie zrozumiałem.|
        Dzieci bawią się w ogrodzie za domem.
    """,
    "ru": """
        Сегодня утром небо было совсем ясным.|Где находится вокзал?|Моя сестра живёт в маленьком городе у моря.|
        Дайте мне, пожалуйста, стакан воды.|Я ничего не понял из того, что ты сказал.|Дети играют в саду за домом.
    """,
    "tr": """
        Bu sabah gökyüzü çok açıktı.|Tren istasyonu nerede acaba?|
        Kız kardeşim deniz kenarında küçük bir şehirde oturuyor.|Bir bardak su ve biraz ekmek istiyorum.|
        Söylediklerinden hiçbir şey anlamadım.
    """,
    "fi": """
        Tänä aamuna taivas oli aivan kirkas.|Missä rautatieasema on?|
        Sisareni asuu pienessä kaupungissa meren rannalla.|Saisinko lasillisen vettä ja vähän leipää?|
        En ymmärtänyt siitä yhtään mitään.
    """,
    "hi": """
        आज सुबह आसमान बिल्कुल साफ था।|रेलवे स्टेशन कहाँ है?|मेरी बहन समुद्र के पास एक छोटे शहर में रहती है।|
        कृपया मुझे एक गिलास पानी दीजिए।|मुझे कुछ भी समझ में नहीं आया।
    """,
    "cmn": """
        今天早上天空很晴朗。|请问火车站在哪里？|我姐姐住在海边的一个小城市。|我想要一杯水和一点面包。|
        你说的话我一点也不明白。|孩子们在房子后面的花园里玩。
    """,
    "id": """
        Tadi pagi langit sangat cerah.|Di mana stasiun kereta api?|Kakak saya tinggal di kota kecil dekat laut.|
        Saya ingin segelas air dan sedikit roti.|Saya sama sekali tidak mengerti.
    """,
    "sw": """
        Asubuhi ya leo anga lilikuwa safi kabisa.|Kituo cha treni kiko wapi?|
        Dada yangu anaishi katika mji mdogo karibu na bahari.|Naomba glasi ya maji na mkate kidogo.|
        Sikuelewa chochote ulichosema.
    """,
}
"""A few plain sentences for each of espeak-ng's languages."""
ENGLISH = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029", "en-us-nyc")
SPEAKERS = (*(f"m{i}" for i in range(1, 8)), *(f"f{i}" for i in range(1, 6)))
"""espeak-ng's variants of a voice."""
FLITE_HZ = {"slt": 180, "rms": 100, "awb": 130, "kal16": 105}
"""Usual pitch of flite's voices."""
FESTIVAL = {
    "kal_diphone": "festvox-kallpc16k",
    "ked_diphone": "festvox-kdlpc16k",
    "cmu_us_slt_arctic_hts": "festvox-us-slt-hts",
}
"""festival's voices, and Debian's packages that hold them."""
PROGRAMS = {"flite": "flite", "text2wave": "festival", "festival": "festival", "espeak-ng": "espeak-ng"}
CREDIT = {
    "flite": ("CMU licence (BSD-like)", "Carnegie Mellon University (flite; CMU ARCTIC / kal voice)"),
    "festival": ("free, MIT-like (festvox voices)", "CSTR Edinburgh / Carnegie Mellon University (festival voice)"),
    "espeak-ng": ("GPL-3.0-or-later (program)", "espeak-ng contributors, J. Duddington"),
}
"""Licence, author."""

TURNS = ("flite", "festival", "espeak-ng", "flite", "other", "festival", "flite", "espeak-ng", "other", "flite")
"""Which engine speaks file k, over and over; "other": espeak-ng in another language."""
FLITE_STRETCH, FLITE_PITCH, FESTIVAL_STRETCH = (0.8, 1.25), (0.85, 1.2), (0.85, 1.2)
ESPEAK_WORDS_PER_MINUTE, ESPEAK_PITCH = (120, 200), (20, 80)
WHOLE_SENTENCE, WITH_TIME, TIME_FIRST, CONTINUED = 0.3, 0.75, 0.4, 0.3
"""Probabilities."""
ASKED_S, LEAST_S, MOST_S = (6, 13), 4.0, 15.0
CHARACTERS_PER_SECOND, CHINESE_PER_SECOND = 13, 4.5


def english(rng: random.Random) -> str:
    """A sentence."""
    if rng.random() < WHOLE_SENTENCE:
        return rng.choice(WHOLE)
    text = f"{rng.choice(WHO)} {rng.choice(DID)} {rng.choice(WHAT)}"
    if rng.random() < WITH_TIME:
        first = rng.random() < TIME_FIRST
        text = f"{rng.choice(WHEN)}, {text}" if first else f"{text} {rng.choice(WHEN)}"
    if rng.random() < CONTINUED:
        text += f", and {rng.choice(WHO)} {rng.choice(DID)} {rng.choice(WHAT)}"
    return f"{text[0].upper()}{text[1:]}."


def choose(number: int, rng: random.Random) -> tuple[str, str, Callable[[random.Random], str]]:
    """Engine, voice and maker of sentences of a file: engines in turn, and each one's voices in turn or by chance."""
    turn = number % len(TURNS)
    engine = TURNS[turn]
    earlier = number // len(TURNS) * TURNS.count(engine) + TURNS[:turn].count(engine)
    if engine == "flite":
        return engine, list(FLITE_HZ)[earlier % len(FLITE_HZ)], english
    if engine == "festival":
        return engine, list(FESTIVAL)[earlier % len(FESTIVAL)], english
    if engine == "espeak-ng":
        return engine, f"{rng.choice(ENGLISH)}+{rng.choice(SPEAKERS)}", english
    language = rng.choice(list(OTHER_LANGUAGES))
    sentences = phrases(OTHER_LANGUAGES[language])
    return "espeak-ng", f"{language}+{rng.choice(SPEAKERS)}", lambda rng: rng.choice(sentences)


def speak(engine: str, voice: str, text: str, rng: random.Random, wav: Path) -> str:
    """Write the text, spoken; returns the settings."""
    if engine == "flite":
        stretch, pitch_hz = rng.uniform(*FLITE_STRETCH), FLITE_HZ[voice] * rng.uniform(*FLITE_PITCH)
        settings = [f"duration_stretch={stretch:.2f}", "--setf", f"int_f0_target_mean={pitch_hz:.0f}"]
        store.call(["flite", "-voice", voice, "--setf", *settings, "-t", text, "-o", str(wav)])
        return f"stretch {stretch:.2f}, pitch {pitch_hz:.0f} Hz"
    if engine == "festival":
        stretch = rng.uniform(*FESTIVAL_STRETCH)
        adjusts = voice.endswith("diphone")  # HTS voices know no stretching
        settings = ["-eval", f"(Parameter.set 'Duration_Stretch {stretch:.2f})"] if adjusts else []
        store.call(["text2wave", "-eval", f"(voice_{voice})", *settings, "-o", str(wav)], stdin=text)
        return f"stretch {stretch:.2f}" if adjusts else "as it is"
    speed, pitch = rng.randint(*ESPEAK_WORDS_PER_MINUTE), rng.randint(*ESPEAK_PITCH)
    store.call(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(wav), text])
    return f"speed {speed}, pitch {pitch}"


def make(number: int) -> tuple[Signal, Origin]:
    """File `number`."""
    rng = random.Random(f"speech:{number}")
    engine, voice, sentence = choose(number, rng)
    per_second = CHINESE_PER_SECOND if voice.startswith("cmn") else CHARACTERS_PER_SECOND
    characters, texts = rng.uniform(*ASKED_S) * per_second, list[str]()
    while len(" ".join(texts)) < characters:
        new = sentence(rng)
        if new not in texts[-1:]:
            texts.append(new)
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "speech.wav"
        settings = speak(engine, voice, " ".join(texts), rng, wav)
        sound, rate = soundfile.read(wav)
    sound = store.trim_silence(soxr.resample(sound, rate, SAMPLE_RATE, quality="HQ"))[: round(MOST_S * SAMPLE_RATE)]
    if sound.size < LEAST_S * SAMPLE_RATE:
        raise UnusableError(f"lasts only {sound.size / SAMPLE_RATE:.1f} s")
    return sound, Origin(f"{engine}-{voice}", *CREDIT[engine], f"{engine}, {voice}, from {rate} Hz: {settings}")


def require_voices() -> None:
    """That festival has its voices: without one it would speak with another."""
    listed = subprocess.run(["festival", "-b", "(print (voice.list))"], capture_output=True, text=True, check=False)
    for voice, package in FESTIVAL.items():
        if voice not in listed.stdout:
            raise SepkitError(f"festival's voice {voice}: not installed; on Debian: apt-get install {package}")


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that speech/synthetic goes to.")
@click.option("--count", default=160, show_default=True, type=click.IntRange(1), help="Files of 4 to 15 s.")
def main(out: Path, count: int) -> None:
    """Let synthesizers speak."""
    try:
        store.require_programs(PROGRAMS)
        require_voices()
        jobs = []
        for number in range(count):
            engine, voice, _ = choose(number, random.Random(f"speech:{number}"))
            jobs.append((f"{engine}-{voice}__{number}.flac", partial(make, number)))
        new = store.fill(out, "speech", "synthetic", tqdm(jobs, unit="file", disable=None))
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{new} new files in {out / 'speech' / 'synthetic'}")


if __name__ == "__main__":
    main()
