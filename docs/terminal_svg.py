#!/usr/bin/env python3
"""Draws the output of a command as a terminal in an SVG file.

    CLICOLOR_FORCE=1 assay demo > demo.txt
    python3 docs/terminal_svg.py --title 'cargo xtask demo' demo.txt docs/demo.svg

Reads text with ANSI colours (the sixteen, bold and dim; other escape sequences are dropped) and needs nothing but
Python's standard library. Every run of characters is placed by its column, so that a font of another width than
expected cannot move a table out of line.
"""

import argparse
import re
import sys
from html import escape

CELL_WIDTH, LINE_HEIGHT, FONT_SIZE = 7.8, 18, 13
MARGIN, BAR = 18, 36
BACKGROUND, FOREGROUND, FRAME, DIM = "#14171f", "#d7dae0", "#242936", "#7d8597"
COLOURS = ["#4b5263", "#ef6b73", "#8fd18a", "#e5c07b", "#6cb2f5", "#d98be8", "#56c8d8", "#d7dae0"]
ESCAPE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


class Style:
    """What the escape sequences have switched on."""

    def __init__(self):
        self.colour, self.bold, self.dim = None, False, False

    def apply(self, codes):
        for code in (int(code or 0) for code in codes.split(";")):
            if code == 0:
                self.__init__()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 22:
                self.bold = self.dim = False
            elif 30 <= code <= 37:
                self.colour = code - 30
            elif code == 39:
                self.colour = None
            elif 90 <= code <= 97:
                self.colour = code - 90

    def attributes(self):
        fill = COLOURS[self.colour] if self.colour is not None else DIM if self.dim else FOREGROUND
        return f'fill="{fill}"' + (' font-weight="600"' if self.bold else "")


def runs(line, style):
    """Yields (column, text, attributes) of a line; the style carries over to the next one."""
    column, position = 0, 0
    for match in ESCAPE.finditer(line):
        text = line[position : match.start()]
        if text:
            yield column, text, style.attributes()
            column += len(text)
        if match.group(2) == "m":
            style.apply(match.group(1))
        position = match.end()
    if line[position:]:
        yield column, line[position:], style.attributes()


def words(column, text):
    """Splits a run at two or more blanks: the columns of tables are placed one by one."""
    for match in re.finditer(r"\S+(?: \S+)*", text):
        yield column + match.start(), match.group()


def mixed(opacity):
    """The foreground over the background."""
    channels = (tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in (FOREGROUND, BACKGROUND))
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02x}" for a, b in zip(*channels))


def blocks(column, text, y):
    """Draws shaded block characters as rectangles, which no font can get wrong."""
    shades = {"░": 0.25, "▒": 0.5, "▓": 0.75, "█": 1.0}
    for match in re.finditer(r"░+|▒+|▓+|█+", text):
        x = MARGIN + (column + match.start()) * CELL_WIDTH
        width = len(match.group()) * CELL_WIDTH
        yield (
            f'<rect x="{x:.1f}" y="{y - LINE_HEIGHT + 5}" width="{width:.1f}" height="{LINE_HEIGHT}" '
            f'fill="{mixed(shades[match.group()[0]])}" shape-rendering="crispEdges"/>'
        )


def draw(lines, title):
    columns = max([len(ESCAPE.sub("", line)) for line in lines] + [60])
    width = round(columns * CELL_WIDTH + 2 * MARGIN)
    height = BAR + len(lines) * LINE_HEIGHT + 2 * MARGIN
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title, quote=True)}">',
        f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>',
        f'<path d="M0 {BAR}V10a10 10 0 0 1 10-10H{width - 10}a10 10 0 0 1 10 10V{BAR}z" fill="{FRAME}"/>',
    ]
    for index, colour in enumerate(["#ef6b73", "#e5c07b", "#8fd18a"]):
        svg.append(f'<circle cx="{20 + 20 * index}" cy="{BAR / 2}" r="6" fill="{colour}"/>')
    svg.append(
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" '
        f'font-size="{FONT_SIZE}" xml:space="preserve">'
    )
    svg.append(f'<text x="{width / 2}" y="{BAR / 2 + 4.5}" text-anchor="middle" fill="{DIM}">{escape(title)}</text>')
    style = Style()
    for number, line in enumerate(lines):
        y = BAR + MARGIN + number * LINE_HEIGHT + FONT_SIZE
        for column, text, attributes in runs(line, style):
            if any(character in "░▒▓█" for character in text):
                svg.extend(blocks(column, text, y))
                continue
            for start, word in words(column, text):
                x = MARGIN + start * CELL_WIDTH
                svg.append(
                    f'<text x="{x:.1f}" y="{y}" textLength="{len(word) * CELL_WIDTH:.1f}" {attributes}>{escape(word)}</text>'
                )
    svg.append("</g></svg>")
    return "\n".join(svg) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Draws the output of a command as a terminal in an SVG file.")
    parser.add_argument("--title", default="", help="what the title bar says")
    parser.add_argument("input", help="text with ANSI colours, or - for standard input")
    parser.add_argument("output", help="the SVG file")
    arguments = parser.parse_args()
    source = sys.stdin if arguments.input == "-" else open(arguments.input, encoding="utf-8")
    with source:
        lines = source.read().strip("\n").split("\n")
    with open(arguments.output, "w", encoding="utf-8") as target:
        target.write(draw(lines, arguments.title))


if __name__ == "__main__":
    main()
