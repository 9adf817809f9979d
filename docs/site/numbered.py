"""Numbers of a page's figures and formulas, and links to them from its text.

A formula has its number from the notebook, as `\\tag{2.1}`, so that it has the same one in JupyterLab. A figure has it from its place on the page.
"""

import re

from prose import with_prose

DRAWING = re.compile(r'<p>(<img alt="([^"]*)" src="(?:[^"]*/)?([\w-]+)\.svg" />)</p>')
FIGURE = re.compile(r'<figure class="(drawing|vega)" id="([\w-]+)">')
KINDS = {"drawing": "drawing", "chart": "vega"}
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
CAPTION = re.compile(r"<figcaption>")
FORMULA = re.compile(r'<div class="math notranslate nohighlight">(?=[^<]*\\tag\{([\d.]+)\})')
NAMED = re.compile(r"\b([Ee]quation) (\d+\.\d+)\b")
NEAR = re.compile(r"\b([Tt]he) (figure|drawing|chart|formula) (above|below)\b")


def formula_id(number):
    return f"equation-{number.replace('.', '-')}"


def formulas_of(texts):
    """The page of each numbered formula, from the texts of the notebooks by their names."""
    return {number: f"{name}.html" for name, text in texts.items() for number in re.findall(r"\\tag\{([\d.]+)\}", text)}


def misnumbered(texts):
    """What is wrong with the formulas of the notebooks: each that stands by itself has a number, in the order of its notebook: 2.1, 2.2."""
    wrong = []
    for name, text in texts.items():
        for count, formula in enumerate(DISPLAYED.findall(text), 1):
            number = f"{int(name[:2])}.{count}"
            if f"\\tag{{{number}}}" not in formula:
                wrong.append(f"notebooks/{name}.ipynb: the formula {formula.strip()[:60]} has no \\tag{{{number}}}")
    return wrong


def drawing(image, sentence, name):
    return f'<figure class="drawing" id="figure-{name}">{image}<figcaption>{sentence}.</figcaption></figure>'


def with_numbers(body, chapter):
    """The body of a page whose formulas can be led to, and whose drawings and charts are figures with numbers: 2.1, 2.2 and so on."""
    body = DRAWING.sub(lambda found: drawing(found[1], found[2].rstrip("."), found[3]), body)
    body = FORMULA.sub(lambda found: f'<div class="math notranslate nohighlight" id="{formula_id(found[1])}">', body)
    count = 0

    def numbered(found):
        nonlocal count
        count += 1
        return f'{found[0]}<span class="caption-number">Figure {chapter}.{count}.</span> '

    return CAPTION.sub(numbered, body)


def with_references(body, pages):
    """The body of a page whose "equation 2.1" and "the figure above" are links. `pages` has the page of each formula.

    Raises ValueError where there is no such formula or figure.
    """
    figures = [(found.start(), found[2], found[1]) for found in FIGURE.finditer(body)]
    formulas = [(found.start(), found[1], "formula") for found in re.finditer(r'id="(equation-[\d-]+)"', body)]

    def named(found):
        if found[2] not in pages:
            raise ValueError(f"no notebook has an {found[0].lower()}")
        return f'<a class="to-number" href="{pages[found[2]]}#{formula_id(found[2])}">{found[0]}</a>'

    def linked(text, place):
        def near(found):
            wanted = KINDS.get(found[2], found[2])
            places = [(at, name) for at, name, kind in [*figures, *formulas] if wanted == kind or (wanted == "figure" and kind != "formula")]
            before, after = [name for at, name in places if at < place], [name for at, name in places if at > place]
            if not (before if found[3] == "above" else after):
                raise ValueError(f"nothing for '{found[0]}' to lead to")
            target = before[-1] if found[3] == "above" else after[0]
            return f'<a class="to-number" href="#{target}">{found[0]}</a>'

        return NEAR.sub(near, NAMED.sub(named, text))

    return with_prose(body, linked)
