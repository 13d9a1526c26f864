"""Local files in allowed folders (rule data-path-allowed), and the interpretation of paths."""

import os
import platform
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from custom_speech_data.dataset_report import ImportFailed
from custom_speech_data.file_access import OpenFile, open_inside
from custom_speech_data.folder_archive import FolderFile
from custom_speech_data.zip_archive import MAX_FILES
from custom_speech_tools.runtime.context import AppContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import block
from custom_speech_tools.speech.sanitize import quote

_ALLOW = "Whoever starts the server allows a folder with --data-dir DIR, or data_dirs in resources.toml."
_MOST_ENTRIES = 2 * MAX_FILES + 1000
_composed = partial(unicodedata.normalize, "NFC")


@dataclass(frozen=True, slots=True)
class LocalPath:
    """An existing file or folder in a folder that the operator allowed."""

    given: str  # the path as the caller wrote it, for next steps
    root: Path  # the allowed folder
    path: Path  # with links resolved

    @property
    def is_folder(self) -> bool:
        """True for a folder, False for a file."""
        return self.path.is_dir()

    def open(self) -> OpenFile:
        """Open the file without following links; raises OSError."""
        return open_inside(self.root, self.path)

    def files(self) -> list[FolderFile]:
        """Return the regular files of the folder, by name; raises OSError, or ImportFailed for too many files."""
        with os.scandir(self.path) as entries:
            found = list(islice(entries, _MOST_ENTRIES + 1))
        if len(found) > _MOST_ENTRIES:
            raise ImportFailed("QuotaViolation", f"The folder has more than {_MOST_ENTRIES} files.")
        return [
            FolderFile(entry.name, entry.stat().st_size, partial(open_inside, self.root, self.path / entry.name))
            for entry in sorted(found, key=lambda entry: entry.name)
            if entry.is_file(follow_symlinks=False)
        ]


def allowed_path(app: AppContext, given: str) -> LocalPath:
    """Return the file or folder that a path names; raises Refused. Call it in a thread: file systems may be slow."""
    if not app.allows_local_files:
        message = "Files are read only where the server runs on its user's machine."
        raise _not_allowed(message, "Pass content_url or lines instead.")
    if not app.data_dirs:
        raise _not_allowed("No folder is allowed.", _ALLOW)
    allowed = f"Allowed: {', '.join(str(folder) for folder in app.data_dirs)}. {_ALLOW}"
    found = matching_paths(given, app.data_dirs)
    if len(found) > 1:
        names = " and ".join(quote(str(path), 500) for path in found)
        raise _not_allowed(f"{quote(given)} fits several files: {names}.", "Pass one of these paths.")
    for path, root in found.items():
        if not (path.is_file() or path.is_dir()):
            raise _not_allowed(f"{quote(given)} is neither a file nor a folder.", allowed)
        return LocalPath(given, root, path)
    system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
    hint = foreign_path_hint(given.strip(), system)
    raise _not_allowed(f"{quote(given)} does not exist below an allowed folder{hint}.", allowed)


def matching_paths(given: str, folders: Sequence[Path]) -> dict[Path, Path]:
    """Return the existing paths that a path may mean, with links resolved, each with the folder that contains it."""
    roots, found = [folder.expanduser().resolve() for folder in folders], dict[Path, Path]()
    for spelling in _spellings(given):
        for folder in roots if not found else ():
            with suppress(OSError, RuntimeError, ValueError):
                path = _existing(folder, folder / Path(spelling).expanduser())
                found.update((path, root) for root in roots if path and path.is_relative_to(root))
    return found


def _spellings(given: str) -> list[str]:
    """Return the possible meanings of a path: literal, without quotes, as a `file:` URL, with backslash escapes."""
    text = given.strip()
    if len(text) > 1 and text[0] + text[-1] in ('""', "''", "``", "“”", "‘’"):
        text = text[1:-1].strip()
    meanings = [given, text]
    if text.lower().startswith("file:"):
        with suppress(ValueError):
            parts = urlsplit(text)
            host = "" if parts.netloc.lower() in ("", "localhost") else f"//{parts.netloc}"
            meanings.append(host + url2pathname(parts.path))
    if os.name != "nt":  # on Windows a backslash separates folders
        meanings.append(re.sub(r"\\([^\w\\])", r"\1", text))
    return list(dict.fromkeys(meanings))


def foreign_path_hint(path: str, system: str) -> str:
    """Return a hint that a path seems to belong to another operating system."""
    text = re.sub("^file:", "", path.strip("\"'`"), flags=re.IGNORECASE).replace("\\", "/")
    drive = re.match(r"/*([a-z])(?::|%3a)(.*)", text, re.IGNORECASE)
    wsl_drive = re.match(r"/mnt/([a-z])(/.*)", text)
    wsl_share = re.match(r"//wsl[.$]\w*/[^/]+(/.*)", text, re.IGNORECASE)
    server = f"this server runs on {system}"
    if re.search(r"%\w+%|\$\w|\$\{", text) and not wsl_share:
        return f": variables in a path are not replaced; {server}"
    if system == "Windows":
        if wsl_drive:
            native = f"{wsl_drive[1].upper()}:{wsl_drive[2]}".replace("/", "\\")
            return f": it is a path of WSL; {server}, where it is {quote(native)}"
        return f": it is a path of Linux or macOS, and {server}" if re.match(r"/[^/]", text) else f"; {server}"
    if wsl_share:
        return f": it is Windows' name of a path in WSL; there it is {quote(wsl_share[1])}, and {server}"
    if drive:
        native = f"/mnt/{drive[1].lower()}/{drive[2].lstrip('/')}"
        return f": it is a Windows path, and {server}; in WSL it is {quote(native)}, in a container what was mounted"
    if text.startswith("//"):
        return f": it is a Windows share, and {server}"
    return f": it is a path of WSL, and {server}" if wsl_drive else f"; {server}"


def _existing(folder: Path, path: Path) -> Path | None:
    """Return the path with links resolved, or None if it does not exist."""
    if path.exists():
        return path.resolve(strict=True)
    # macOS stores names in the Unicode form NFD, but people type them in NFC.
    found = folder
    for part in Path(_composed(str(path))).relative_to(_composed(str(folder))).parts:
        same = [entry for entry in found.iterdir() if _composed(entry.name) == part]
        if len(same) != 1:
            return None
        found = same[0]
    return found.resolve(strict=True)


def _not_allowed(message: str, fix: str) -> Refused:
    """Return the refusal to read a path."""
    return Refused("Nothing was read.", [block("data-path-allowed", message, fix)], "Then call again.")
