"""How to cite the course, as BibTeX, from CITATION.cff."""

import yaml


def named(author):
    return f"{{{author['name']}}}" if "name" in author else f"{author['family-names']}, {author['given-names']}"


def citation(cff):
    """A section of a page. A release that was deposited has a DOI, in the field `doi` of CITATION.cff."""
    facts = yaml.safe_load(cff)
    fields = {
        "author": " and ".join(named(author) for author in facts["authors"]),
        "title": facts["title"],
        "year": str(facts["date-released"])[:4],
        "version": facts["version"],
        **({"doi": facts["doi"]} if "doi" in facts else {}),
    }
    lines = "\n".join(f"  {name} = {{{value}}}," for name, value in fields.items())
    remark = "" if "doi" in facts else "\nThere is no DOI, for no release has been deposited yet.\n"
    return f"\n## To cite the course\n\n```bibtex\n@software{{lowrank,\n{lines}\n}}\n```\n{remark}"
