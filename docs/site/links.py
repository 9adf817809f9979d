"""Links of the checkout's texts on the site, which has the notebooks, the documents and their pictures, and no other file."""

import os
import re

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def on_site(text, place, files):
    """The text with its links as they lead on the site; where one leads to a file that the site lacks, its words alone stay.

    `place` is the text's path in the checkout, and `files` has the path on the site of each of the checkout's that is there.
    """

    def led(found):
        mark, words, target = found.groups()
        if HAS_SCHEME.match(target):
            return found[0]
        path, hash_, fragment = target.partition("#")
        wanted = os.path.normpath(os.path.join(os.path.dirname(place), path))
        if wanted not in files:
            return words
        return f"{mark}[{words}]({os.path.relpath(files[wanted], os.path.dirname(files[place]) or '.')}{hash_}{fragment})"

    return LINK.sub(led, text)
