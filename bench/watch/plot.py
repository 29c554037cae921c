#!/usr/bin/env python3
"""The curve of what src/watch finds against how often it cries wolf, by sensitivity: python3 bench/watch/plot.py BUILD OUT.svg [--seeds 125,126]. A day that the
generator makes of each seed, with a week before it; the picture names the seeds and has each point's sensitivity. Nothing but Python is needed."""
import argparse
import concurrent.futures
import math
import os
import re
import subprocess
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 60, 46, 20, 58
COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b7791f"]
LEAST = 0.90


def points(program, seed):
    """(sensitivity in %, recall, false alerts a day, median delay in s) of each line that it prints."""
    done = subprocess.run([program, "traffic", str(seed), str(seed), "curve"], capture_output=True, text=True, timeout=3600, check=True)
    found = re.findall(r"sensitivity ([0-9.]+): recall ([0-9.]+) .*?, ([0-9.]+) false alerts a day, median delay ([0-9]+) s", done.stdout)
    if not found:
        sys.exit(f"plot.py: seed {seed}: {done.stdout}{done.stderr}")
    return [(round(float(s) * 100), float(recall), float(false), int(delay)) for s, recall, false, delay in found]


def x_of(false):  # from 0 on, and by tens from 1 on
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(1 + false) / math.log10(101)


def y_of(recall):
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (max(recall, LEAST) - LEAST) / (1 - LEAST))


def text(x, y, words, anchor="start", size=12, colour="#333"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{words}</text>'


def line(x1, y1, x2, y2, colour="#ccc", dashes=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>'


def draw(curves):
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text(LEFT, 20, "What is found of 12 kinds of attack, against false alerts, by sensitivity", size=14),
           text(LEFT, 36, f"a day of 10,000 users each; bench/watch/plot.py, seeds {', '.join(str(seed) for seed in curves)}", size=11, colour="#666")]
    for percent in range(90, 101, 2):
        out += [line(LEFT, y_of(percent / 100), WIDTH - RIGHT, y_of(percent / 100)), text(LEFT - 8, y_of(percent / 100) + 4, f"{percent} %", "end")]
    for false in (0, 1, 2, 5, 10, 20, 50, 100):
        out += [line(x_of(false), TOP, x_of(false), HEIGHT - BOTTOM), text(x_of(false), HEIGHT - BOTTOM + 18, str(false), "middle")]
    out += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "false alerts a day", "middle"),
            line(LEFT, y_of(0.95), WIDTH - RIGHT, y_of(0.95), "#555", ' stroke-dasharray="5 4"'), line(x_of(1), TOP, x_of(1), HEIGHT - BOTTOM, "#555", ' stroke-dasharray="5 4"'),
            text(WIDTH - RIGHT - 4, y_of(0.95) - 5, "asked: 95 % at 1 a day or less", "end", 11, "#555")]
    for n, (seed, found) in enumerate(curves.items()):
        colour = COLOURS[n % len(COLOURS)]
        found = sorted(found)
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="' + " ".join(f"{x_of(false):.1f},{y_of(recall):.1f}" for _, recall, false, _ in found) + '"/>')
        for sensitivity, recall, false, _ in found:
            out += [f'<circle cx="{x_of(false):.1f}" cy="{y_of(recall):.1f}" r="3.5" fill="{colour}"/>', text(x_of(false) + 6, y_of(recall) + 12, f"{sensitivity}", size=9, colour=colour)]
        out += [line(WIDTH - 130, HEIGHT - BOTTOM - 20 - 16 * n, WIDTH - 110, HEIGHT - BOTTOM - 20 - 16 * n, colour), text(WIDTH - 104, HEIGHT - BOTTOM - 16 - 16 * n, f"seed {seed}", colour=colour)]
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", help="build folder, set up with -Dbench=true")
    parser.add_argument("out", help="the picture, SVG")
    parser.add_argument("--seeds", default="125,126")
    parser.add_argument("--at-once", type=int, default=1, help="days that are made side by side (1)")
    arguments = parser.parse_args()
    program, seeds = os.path.join(arguments.build, "bench", "watch_score"), [int(seed) for seed in arguments.seeds.split(",")]
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        curves = dict(zip(seeds, pool.map(lambda seed: points(program, seed), seeds)))
    print("| seed | sensitivity | recall | false alerts a day | median delay |\n|---|---|---|---|---|")
    for seed, found in curves.items():
        for sensitivity, recall, false, delay in found:
            print(f"| {seed} | {sensitivity} % | {recall:.3f} | {false:g} | {delay} s |")
    with open(arguments.out, "w", encoding="utf-8") as file:
        file.write(draw(curves))


if __name__ == "__main__":
    main()
