"""English sentences without end, made by a small grammar, and the sentences of any text.

The grammar's words are common English words and first names put together by chance, so that no sentence is anybody's.
They are chosen for their sounds: a thousand sentences hold most pairs of neighbouring phones that English has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator

from vultus.errors import VultusError

LONGEST: Final = 300
"""Characters of a piece of text that is spoken at once; longer sentences are cut at a comma or a space."""
MOST: Final = 2_000_000
"""Characters of a text, about forty hours of speech; more is taken for a mistake."""

# --- sentences of a text --------------------------------------------------------------------------------------------

_TITLES: Final = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "no", "capt", "gen", "e.g", "i.e"))
_END: Final = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+|$)|[。！？।]|\n\s*\n")


def pieces(text: str) -> Iterator[str]:
    """The sentences of *text* in order, none longer than `LONGEST` characters and none without a letter or digit.

    A sentence ends with its mark, or with an empty line. Dots after titles and initials do not end one.
    """
    begin = 0
    for found in _END.finditer(text):
        if _goes_on(text, found):
            continue
        yield from _short(text[begin : found.end()])
        begin = found.end()
    yield from _short(text[begin:])


def _goes_on(text: str, found: re.Match[str]) -> bool:
    if found[0][0] != ".":
        return False
    word = re.search(r"[\w.]*$", text[max(found.start() - 12, 0) : found.start()])
    last = word[0].lower() if word else ""
    after = text[found.end() : found.end() + 8].lstrip()
    return last in _TITLES or (len(last) == 1 and last.isalpha() and last != "i") or after[:1].islower()


def _short(sentence: str) -> Iterator[str]:
    rest = " ".join(sentence.split())
    while len(rest) > LONGEST:
        head = rest[:LONGEST]
        at = max(head.rfind(mark) for mark in (", ", "; ", ": ", " — ", " – "))
        at = at if at > LONGEST // 4 else head.rfind(" ")
        at = at if at > 0 else LONGEST - 1
        yield from _short(rest[: at + 1])
        rest = rest[at + 1 :].strip()
    if any(c.isalnum() for c in rest):
        yield rest


def read(path: str | Path) -> Iterator[str]:
    """The sentences of a text file (UTF-8), read paragraph by paragraph so that memory does not grow with the file.

    VultusError at once when the file is missing, empty or no text, and where it turns out not to be UTF-8, to hold
    no words, or to be longer than `MOST` characters.
    """
    from vultus.io.files import check_readable

    path = check_readable(path, "text")
    with path.open("rb") as file:
        if b"\0" in file.read(4096):
            raise VultusError(f"{path} is no text", "Give a text file in UTF-8")
    return _read(path)


def _read(path: Path) -> Iterator[str]:
    total, said, paragraph = 0, 0, ""
    try:
        with path.open(encoding="utf-8-sig", errors="strict") as file:
            while line := file.readline(10_000):
                total += len(line)
                if total > MOST:
                    raise VultusError(f"{path} has more than {MOST} characters", "Split it")
                paragraph += line
                if not line.strip() or len(paragraph) > 10_000:
                    ready = list(pieces(paragraph))
                    # The last piece of a paragraph that goes on may be half a sentence.
                    paragraph = ready.pop() if line.strip() and len(ready) > 1 else ""
                    said += len(ready)
                    yield from ready
    except UnicodeDecodeError:
        raise VultusError(f"{path} is not UTF-8 text", "Save it as UTF-8") from None
    for piece in pieces(paragraph):
        said += 1
        yield piece
    if not said:
        raise VultusError(f"{path} holds no words", "Give a text file with words in it")


# --- sentences out of nothing ---------------------------------------------------------------------------------------


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


NAMES: Final = _words("""
Abby Adam Aisha Alice Amir Anna Ben Bruno Caleb Chloe Clara Daphne David Diego Edith Elijah Emma Ethan Eve Felix Fiona
Frank George Giselle Grace Hugo Ian Ingrid Isaac Ivy Jack James Jasmine Jean Joy Judith Julia Kenji Kofi Laura Leo
Lucy Luke Maya Mei Miguel Moira Nadia Noah Nora Olga Oscar Owen Paul Phoebe Priya Quentin Rachel Rashid Rosa Ruth Sasha
Sheila Sophie Thea Theo Tobias Uma Ursula Vera Victor Wanda Will Xavier Yara Yusuf Zach Zoe Joyce Geoffrey Ruthie Faith
""")
_PLACES: Final = _words("""
Oxford Boston Chicago Dublin Geneva Houston Lisbon London Madrid Mumbai Nairobi Norway Oslo Paris Portugal Quebec Rome
Sydney Tokyo Vienna Warsaw Zurich Ireland Japan Egypt Chile Phoenix Perth Asia Beijing Leeds Plymouth Ottawa Detroit
""")
_THINGS: Final = _words("""
apple beach bird boat book bottle bowl box bread bridge brush bucket button cake camera candle carpet chair cheese child
church circle cloud coat coin corner couch crowd cup curtain desk dog door dream dress drum earth edge egg engine eye
face farm feather fence fire fish flag floor flower fog forest fork fridge frog garage garden ghost giraffe glove goat
grape guitar hammer hand hat hedge hill hinge honey horse house ice island jacket jar job jug juice jungle key kitchen
kite knife lamp leaf lemon letter light lion lunch machine map measure melon mirror moon mouse mouth mushroom myth nail
needle nest noise nose notebook nurse oath oil onion orange oven owl page paper path peach pearl pencil photo piano
picture pigeon pillow pipe planet plant plough pocket pond pool potato powder prize puzzle queen question quilt rabbit
radio raisin rhythm ribbon ring river road robot rock roof rope rug sandwich scarf school scissors sheep shell ship
shoe shop shoulder sign sky smoke snake soap song soup south spoon spring square stairs stamp star statue stone storm
story street string sugar sun surface swing switch table teacher thing thought thread throat thumb ticket tiger tissue
toast tooth towel tower toy train treasure tree truth turtle umbrella uncle valley vase vegetable village violin vision
voice volcano voyage wagon wall watch water wave wealth weather weight well whale wheel whistle window wing wolf wood
world worm yard year yoghurt yolk youth zebra zone beige_sofa garage_key push_bike hula_hoop south_wing life_vest
myth_book tooth_fairy pathway bathtub cash_box fish_bowl young_owl huge_urn joyful_noiserouge_cloth push_up author
balloon boot bow_tie bouquet breath chapel chopstick coil crown dawn death fashion fraud
gauze ghoul goose gown guide hanger jockey king law_book lodge lure oil_poison poise quartz shade shaman sheriff
singer soil song_title theft toil tongue_twister vault voyager yak_wool subway_map bookshop joke
""")
_PLURALS: Final = _words("""
apples boys bridges brushes children churches clothes dishes edges eggs eyes fishes garages gloves hedges horses hours
judges leaves lights months moths mouths myths oaths onions paths pearls pies roofs sheep shelves shops shoulders songs
sounds strengths things thumbs tigers toys treasures twelfths uncles voices watches waves wolves women zebras depths
""")
_ADJECTIVES: Final = _words("""
able absurd ancient angry awful beige big black blue bright brown busy calm casual cheap clean clever cold cool crude
dark deaf deep dry dull early easy empty enormous fair famous fast foggy foolish fresh friendly funny gentle giant
gold good green grey happy hard heavy high hollow honest huge icy jealous jolly joyful kind large last lazy little long
loose loud lovely lucky mad modern narrow new nice noisy odd old open orange pale perfect pink plain poor precious
pretty proud public quick quiet rare raw red rich rough round royal rude sad safe serious shallow sharp shiny short shy
silver simple slow small smooth soft sour square strange strong sudden sure sweet tall thick thin tired tiny tough true
ugly unusual usual vague vast warm weak weird wet white whole wide wild wise wooden wrong yellow young zealous
""")
_PAST: Final = _words("""
admired asked baked begged borrowed bought brought built carried caught changed chased cleaned closed counted covered
cut dragged drew dropped earned enjoyed fetched filled finished fixed followed found gave guarded hated heard held hid
hugged ignored imagined judged kept kicked knew lifted liked loved made matched measured missed moved needed noticed
opened ordered owned painted picked pulled pushed put reached read remembered repaired saved saw shook shoved showed
sketched smelled smoothed sold stole studied taught thanked threw took touched turned used visited wanted washed watched
weighed wished wrapped wrote
""")
_BASE: Final = _words("""
ask avoid believe borrow bring build buy carry catch change check choose clean close cook count cover draw drop enjoy
explain fetch find finish fix follow forget give guess hear help hide hold join judge keep know learn leave lift like
love make measure meet mix move need open order paint pick play pull push reach read remember save see share show sing
smell sell take teach thank throw touch turn understand use visit want wash watch weigh wrap write
""")
_GO: Final = _words("""
arrived came danced drove fell flew giggled grew jumped laughed lived paused played ran rose sang sat shouted slept
smiled sneezed spoke stayed stood swam talked thought travelled vanished waited walked whispered worked yawned
""")
_WHERE: Final = _words("""
above_the_roof across_the_bridge after_lunch against_the_wall along_the_path among_the_trees around_the_house at_home
at_the_edge_of_town before_noon behind_the_church below_the_ice beside_the_river between_two_hedges beyond_the_valley
by_the_window down_the_road during_the_storm every_month far_away for_an_hour for_no_reason in_the_north in_the_garage
in_the_south inside_the_box last_Thursday near_the_beach next_to_the_oven of_course on_a_boat on_both_ships on_Tuesday
out_of_the_fog outside_the_school over_the_hill past_the_farm since_March this_evening through_the_woods to_the_moon
toward_the_sea under_the_couch until_four up_the_stairs with_a_friend with_both_thumbs without_a_sound with_pleasure
""")
_HOW: Final = _words("""
actually again almost always badly boldly bravely briefly carefully cheaply easily eagerly evenly finally foolishly
gently happily hardly hugely just loudly never nicely often only perhaps probably proudly quickly quietly rarely really
roughly safely seldom shyly simply slowly smoothly softly soon strangely suddenly truly twice usually wisely
""")
_MONTHS: Final = _words("January February March April May June July August September October November December")
_DAYS: Final = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_MEASURES: Final = _words(
    "miles pounds hours minutes pages pages gallons inches months years degrees dollars percent feet"
)
_CRIES: Final = _words("""
Oh_no Wow Hooray Ouch Watch_out Well_done Good_heavens How_lovely Hush Look_at_that Never_mind Hey Stop_it Yippee Oops
What_a_joy Hurry_up Brilliant Enough Yahoo Not_again Goodness_me Bravo Careful Help_yourself
""")
_ANSWERS: Final = _words("""
Yes. No. Maybe. Of_course. Not_yet. I_think_so. I_doubt_it. Sure,_why_not? Absolutely. Never. Thank_you. You're_welcome.
Both_of_them. Neither. Either_way. Only_once. Almost. It_depends. Go_ahead. Fair_enough. Just_a_moment. As_you_wish.
Right_away. Why_not? Who_knows? Good_morning. Goodbye. Me_too. That's_right. I_agree. Let_me_see. Hmm,_perhaps. Oh,_yes.
""")


class _Maker:
    """Draws words and puts them together."""

    def __init__(self, rng: Generator) -> None:
        self._rng = rng

    def any(self, words: tuple[str, ...]) -> str:
        return words[int(self._rng.integers(len(words)))]

    def chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def number(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high))

    def thing(self) -> str:
        adjective = f"{self.any(_ADJECTIVES)} " if self.chance(0.6) else ""
        if self.chance(0.25):
            count = self.any(("two", "three", "five", "seven", "eight", "nine", "twelve", "some", "those", "these"))
            return f"{count} {adjective}{self.any(_PLURALS)}"
        noun = adjective + self.any(_THINGS)
        which = self.any(("the", "my", "your", "his", "her", "our", "their", "this", "that", "each", "another", "a"))
        if which == "a" and noun[0] in "aeiou" and not noun.startswith(("use", "usu", "uni")):
            which = "an"
        return f"{which} {noun}"

    def who(self) -> str:
        if self.chance(0.35):
            return self.any(NAMES)
        if self.chance(0.5):
            return self.any(("I", "you", "we", "they", "she", "he", "everyone", "nobody", "somebody else", "the judge"))
        return self.thing()

    def clause(self) -> str:
        if self.chance(0.6):
            core = f"{self.who()} {self.any(_PAST)} {self.thing()}"
        else:
            how = f"{self.any(_HOW)} " if self.chance(0.5) else ""
            core = f"{self.who()} {how}{self.any(_GO)}"
        return f"{core} {self.any(_WHERE)}" if self.chance(0.5) else core

    def statement(self) -> str:
        if self.chance(0.3):
            link = self.any((", and", ", but", " because", " while", " until", ", so", " although", " as though"))
            return f"{self.clause()}{link} {self.clause()}."
        return f"{self.clause()}."

    def question(self) -> str:
        form = self.number(0, 6)
        if form == 0:
            return f"{self.any(('did', 'could', 'should', 'would', 'might'))} {self.who()} {self._does()}?"
        if form == 1:
            asked = self.any(("why", "how", "when", "where"))
            return f"{asked} {self.any(('did', 'should', 'would', 'could'))} {self.who()} {self._does()}?"
        if form == 2:
            return f"{self.any(('who', 'which of you', 'how many people'))} {self.any(_PAST)} {self.thing()}?"
        if form == 3:
            verb = self.any(("isn't", "wasn't", "is", "was"))
            return f"{verb} {self.any(NAMES)} as {self.any(_ADJECTIVES)} as {self.thing()}?"
        if form == 4:
            return f"do you prefer {self.thing()}, or {self.thing()}?"
        return f"{self.clause()}, {self.any(('right', 'did they', 'you see', 'don’t you think', 'or not'))}?"

    def _does(self) -> str:
        return f"{self.any(_BASE)} {self.thing()}" + (f" {self.any(_WHERE)}" if self.chance(0.3) else "")

    def numbers(self) -> str:
        form = self.number(0, 6)
        if form == 0:
            size = self.any(("10", "100", "10000", "1000000"))
            value = f"{self.number(2, int(size) + 10):,}"
            return f"{self.thing()} was {value} {self.any(_MEASURES)} {self.any(('long', 'away', 'old', 'too much'))}."
        if form == 1:
            return f"{self.any(NAMES)} paid ${self.number(1, 400)}.{self.number(1, 100):02d} for {self.thing()}."
        if form == 2:
            digits = " ".join(str(self.number(0, 10)) for _ in range(self.number(3, 8)))
            return f"the {self.any(('number', 'code', 'answer', 'key'))} is {digits}."
        if form == 3:
            a, b = self.number(2, 100), self.number(2, 100)
            return f"{a} {self.any(('plus', 'times', 'minus'))} {b} is not {self.number(2, 2000)}."
        if form == 4:
            return f"only {self.number(2, 99)}% of the {self.any(_PLURALS)} {self.any(_GO)}."
        place = self.number(1, 100)
        ending = "th" if place // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
        return f"{self.any(NAMES)} finished {place}{ending} of {self.number(100, 400)}."

    def date(self) -> str:
        form = self.number(0, 4)
        month, day = self.any(_MONTHS), f"{self.number(4, 21)}th"
        if form == 0:
            return f"{self.any(NAMES)} was born on {month} {day}, {self.number(1900, 2030)}."
        if form == 1:
            return f"the train to {self.any(_PLACES)} leaves at {self.number(1, 13)}:{self.number(0, 60):02d}."
        if form == 2:
            return f"on {self.any(_DAYS)}, the {day} of {month}, {self.clause()}."
        return f"see you in {self.any(_PLACES)} next {self.any(_DAYS)} at {self.number(1, 13)} o'clock!"

    def exclamation(self) -> str:
        form = self.number(0, 4)
        if form == 0:
            return f"{self.any(_CRIES)}!"
        if form == 1:
            return f"{self.any(_CRIES)}, {self.clause()}!"
        if form == 2:
            return f"what {self._a(self.any(_ADJECTIVES))} {self.any(_THINGS)}!"
        return f"{self.any(NAMES)}, {self.any(_BASE)} {self.thing()}!"

    @staticmethod
    def _a(word: str) -> str:
        return ("an " if word[0] in "aeiou" and not word.startswith(("use", "usu", "uni")) else "a ") + word

    def answer(self) -> str:
        return f"{self.any(_ANSWERS)} {self.statement().capitalize()}" if self.chance(0.2) else self.any(_ANSWERS)

    def names(self) -> str:
        form = self.number(0, 3)
        if form == 0:
            return f"{self.any(NAMES)} met {self.any(NAMES)} and {self.any(NAMES)} in {self.any(_PLACES)}."
        if form == 1:
            title = self.any(("Dr.", "Mrs.", "Mr.", "Professor", "Captain", "Aunt", "Uncle"))
            return f"{title} {self.any(NAMES)} from {self.any(_PLACES)} {self.any(_PAST)} {self.thing()}."
        return f"my name is {self.any(NAMES)}, and this is {self.any(NAMES)}."

    def list(self) -> str:
        items = [self.thing() for _ in range(self.number(3, 6))]
        begin = self.any(("we need", "please bring", "there were", "she packed", "I can see", "they sell"))
        return f"{begin} {', '.join(items[:-1])} and {items[-1]}."


KINDS: Final = ("statement", "question", "numbers", "date", "names", "exclamation", "answer", "list")
"""What kinds of sentence there are."""
_SHARES: Final = (0.34, 0.2, 0.1, 0.07, 0.09, 0.09, 0.05, 0.06)


def sentences(seed: int = 0, kinds: tuple[str, ...] = KINDS) -> Iterator[str]:
    """English sentences without end: the same *seed* gives the same ones. VultusError for a kind that is unknown."""
    for kind in kinds:
        if kind not in KINDS:
            from vultus.errors import unknown

            raise unknown("kind of sentence", kind, KINDS)
    return _sentences(seed, kinds)


def _sentences(seed: int, kinds: tuple[str, ...]) -> Iterator[str]:
    rng = np.random.default_rng([seed, 0x7E47])
    maker = _Maker(rng)
    makers: list[Callable[[], str]] = [getattr(maker, kind) for kind in kinds]
    shares = np.array([_SHARES[KINDS.index(kind)] for kind in kinds])
    while True:
        text = makers[int(rng.choice(len(makers), p=shares / shares.sum()))]()
        yield text[:1].upper() + text[1:]


def diphones(texts: Iterator[str] | list[str]) -> dict[tuple[str, str], int]:
    """How often each pair of neighbouring ARPABET phones ("SIL" in pauses) stands in *texts*, as they are read."""
    from vultus.signals.text import text_phones

    counts: dict[tuple[str, str], int] = {}
    for text in texts:
        phones = ["SIL", *(p.arpabet for p in text_phones(text)), "SIL"]
        for pair in pairwise(phones):
            counts[pair] = counts.get(pair, 0) + 1
    return counts
