"""Parts of pages that tools write, between two marks."""

END = "<!-- end -->\n"


def marked(page: str, begin: str, content: str) -> str:
    """A page with this content between the mark ``begin``, a line, and the next ``END``; nothing if it is empty.

    Raises:
        ValueError: the page has no such marks.
    """
    before, rest = page.split(begin)
    _, after = rest.split(END, 1)
    filled = f"\n{content.strip()}\n\n" if content else ""
    return f"{before}{begin}{filled}{END}{after}"
