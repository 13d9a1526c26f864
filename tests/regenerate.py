"""Regenerate what is derived from the tools: tests/schemas, the front's answers.json, the README's table of tools."""

import anyio

from support.generated_files import regenerate

if __name__ == "__main__":
    anyio.run(regenerate)
