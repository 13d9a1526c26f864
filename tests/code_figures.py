"""Print the figures of the product's code: lines, functions, private functions used once, small modules, comments.

Give paths to measure a part: python tests/code_figures.py tools/custom_speech_tools/speech
"""

import ast
import re
import statistics
import sys
import tokenize
from io import StringIO
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def product_files(paths: list[str]) -> list[Path]:
    """The product's modules below the paths, or below `server` and `tools`."""
    return sorted(chain.from_iterable((ROOT / path).rglob("*.py") for path in paths or ["server", "tools"]))


def code_figures(files: list[Path]) -> dict[str, float]:
    """Count over whole modules. A private function is used once if its name stands once beside its definition."""
    texts = [file.read_text("utf-8") for file in files]
    lengths, uses, comments = [], [], 0
    for text in texts:
        comments += sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(StringIO(text).readline))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, FUNCTIONS):
                lengths.append((node.end_lineno or node.lineno) - node.lineno + 1)
                if node.name.startswith("_") and not node.name.startswith("__"):
                    uses.append(len(re.findall(rf"\b{node.name}\b", text)) - 1)
    lines = [text.count("\n") for text in texts]
    return {
        "lines": sum(lines),
        "functions": len(lengths),
        "median lines of a function": statistics.median(lengths),
        "private functions": len(uses),
        "% of them used once": round(100 * uses.count(1) / max(len(uses), 1)),
        "modules": len(files),
        "modules of at most 40 lines": sum(count <= 40 for count in lines),
        "% of lines with a comment": round(100 * comments / max(sum(lines), 1), 1),
    }


if __name__ == "__main__":
    for name, figure in code_figures(product_files(sys.argv[1:])).items():
        sys.stdout.write(f"{figure:>8} {name}\n")
