"""The words and letters that notebook 00 explains: on every page the first of each leads there, and says what it means."""

import html
import re

from prose import with_prose

PAGE = "00-start.html"
TABLE = re.compile(r"^\| (word \| means|letter \| is)\b.*\|\n\|[-| ]+\|\n((?:\|.*\|\n?)+)", re.MULTILINE)
FORMS = {
    "held out": r"held[- ]out",
    "merge": r"merge|merges|merged(?! into)|merging",  # operations are merged into larger ones
    "moments": r"moments",
    "rotary positions": r"rotary positions",
}
# Letters that mean the same wherever they stand alone; the others do so in shapes only: V is a table of a paper, too, and B a matrix of LoRA.
ALONE = "CDPr"
SHAPE = re.compile(r"(?<=\()[A-Zr0-9](?:, [A-Zr0-9])+(?=\))")
CODE = re.compile(r'(<span class="c1">|<code class="docutils literal notranslate">)(.*?)(</span>|</code>)')


def entry_id(word):
    return f"{'symbol' if len(word) == 1 else 'word'}-{word.replace(' ', '-')}"


def rows_of(table):
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in table.strip().split("\n")]


def entries(text):
    """What each word, and each letter, of the tables in a text means."""
    found = {}
    for _, table in TABLE.findall(text):
        for word, meaning, *_ in rows_of(table):
            found.update(dict.fromkeys(word.split(", "), meaning))
    return found


def with_places(text):
    """The text with a place to lead to in each row of these tables."""

    def placed(found):
        head = found[0][: found.start(2) - found.start()]
        rows = found[2].split("\n")
        return head + "\n".join(re.sub(r"^\| ([^|]+?) \|", row_with_place, row) for row in rows)

    return TABLE.sub(placed, text)


def row_with_place(found):
    places = "".join(f'<span id="{entry_id(word)}"></span>' for word in found[1].split(", "))
    return f"| {places}{found[1]} |"


def pattern_of(word):
    if len(word) > 1:
        return rf"(?<![\w-])(?:{FORMS.get(word, word + 's?')})(?![\w-])"
    return rf"(?<![\w.$(]){word}(?![\w.()])" if word in ALONE else None


def linked(word, shown, meaning):
    told = html.escape(f"{word}: {meaning}")
    return f'<a class="glossary" href="{PAGE}#{entry_id(word)}" title="{told}">{shown}</a>'


def with_glossary(body, meanings):
    """The body of a page in which the first use of each word, and of each letter in prose and in shapes, leads to what it means."""
    left = {word: re.compile(pattern, re.IGNORECASE if len(word) > 1 else 0) for word in meanings if (pattern := pattern_of(word))}

    def in_prose(text, _):
        firsts = {}
        for word, pattern in left.items():
            if found := pattern.search(text):
                firsts[word] = found
        for word, found in sorted(firsts.items(), key=lambda item: -item[1].start()):
            text = text[: found.start()] + linked(word, found[0], meanings[word]) + text[found.end() :]
            del left[word]
        return text

    shapes = {word for word in meanings if len(word) == 1}

    def letter(found):
        if found[0] not in shapes:
            return found[0]
        shapes.discard(found[0])
        return linked(found[0], found[0], meanings[found[0]])

    def in_code(found):
        return found[1] + SHAPE.sub(lambda shape: re.sub(r"[A-Zr]", letter, shape[0]), found[2]) + found[3]

    return CODE.sub(in_code, with_prose(body, in_prose))
