"""The prose of a page: what stands between its tags, outside of code, formulas, headings, tables and links."""

import re

# A script is one tag here, whatever it holds.
TAG = re.compile(r"(<script\b.*?</script>|<style\b.*?</style>|<[^>]+>)", re.DOTALL)
NAME = re.compile(r"</?([a-z][a-z0-9]*)")
OTHER = re.compile(r"<(a|button|code|figcaption|h[1-6]|pre|summary|table|title)\b|<(span|div) class=\"math\b")


def with_prose(body, change):
    """The body of a page with each run of its prose as `change(text, place)` has it, where `place` is its offset in the body."""
    result, inside, depth, place = [], None, 0, 0
    for index, part in enumerate(TAG.split(body)):
        if index % 2 == 0:
            result.append(part if inside or not part.strip() else change(part, place))
        else:
            result.append(part)
            name = NAME.match(part)
            if inside is None and OTHER.match(part):
                inside, depth = name[1], 1
            elif name and name[1] == inside:
                depth += -1 if part.startswith("</") else 1
                inside = inside if depth else None
        place += len(part)
    return "".join(result)
