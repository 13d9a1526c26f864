"""Detection of content that is not a dataset and may be secret: private keys, tokens, passwords, settings, binaries.

The patterns cannot detect every kind of secret, but every text, also in an archive, is searched completely.
"""

import io
import re
from pathlib import PurePosixPath
from typing import IO

from custom_speech_data.dataset_report import ImportFailed, Unusable
from custom_speech_data.file_access import Content, open_content
from custom_speech_data.lines import encoding_of
from custom_speech_data.wav import LFS_POINTER, LFS_REASON
from custom_speech_data.zip_archive import ZIP_MAGIC, open_archive, open_file, path_of

_HEAD_BYTES = 4096
_MAX_PART = 32_768  # characters to search at once in a text without line breaks

# Quantifiers are bounded or anchored, so that the time is linear in the length of a line.
_SECRETS = {
    "a private key": r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|AGE-SECRET-KEY-1",
    "an access token": r"\b(?:gh[opsu]_|github_pat_|glpat-|xox[abpr]-|sk-|AIza)[\w-]{16}|\bAKIA[0-9A-Z]{16}"
    r"|\beyJ[\w-]{8,2000}\.eyJ",
    "a user name and password": r"://[^\s/:@]{1,100}:[^\s/@]{1,100}@|^\s*machine\s+[\w-]+(?:\.[\w-]+)+"
    r"|\blogin\s+\S{1,100}\s+password\s|^[\w.*-]{1,100}:(?:\d{1,5}|\*):[^\s:]{1,100}:[^\s:]{1,100}:\S"
    r"|^[\w.-]{1,100}:\$[\w]{1,10}\$",
    "a key or password": r"(?:passw(?:or)?d|(?<![a-z])pwd|secret|token|credentials?|[_-]auth|(?<![a-z])sig(?:nature)?"
    r"|[_-]key|key-data|(?:api|access|account|private|client|speech|subscription|shared)[\w-]{0,20}key)"
    r"\d{0,3}(?:[_-][\w-]{0,40})?[\"']?\s{0,4}(?:=|:(?!//))\s{0,4}[\"']?(?=[^\s\"',;]{0,200}\d)[^\s\"',;]{8}",
    "what looks like a key": r"^\s*(?=(?:\D{0,100}\d){4})(?=.{0,100}[a-z])[a-z0-9_+/=-]{32,200}\s*$",
}
_SECRET = re.compile("|".join(f"({pattern})" for pattern in _SECRETS.values()), re.IGNORECASE)
_HINTS = ["key", "passw", "pwd", "secret", "token", "credential", "auth", "sig", "://", ":$", "machine", "login", "eyj"]
_HINTS += ["gh", "glpat", "xox", "sk-", "aiza", "akia"]
_SETTING = re.compile(r"(?:export\s+|set\s+)?[\w.-]{1,100}\s*=\s*\S.*")


def refuse_secrets(content: Content) -> None:
    """Refuse content with secrets, settings or binary data; raises ImportFailed without repeating the content."""
    with open_content(content) as stream:
        head = stream.read(_HEAD_BYTES)
        if not head.startswith(ZIP_MAGIC):
            if _is_binary(head):
                message = "It has zero bytes, as binary files have. Audio is uploaded as a zip archive of .wav files."
                raise ImportFailed("NotADataset", message)
            if head.startswith(LFS_POINTER):
                raise ImportFailed("NotADataset", f"{LFS_REASON[0].upper()}{LFS_REASON[1:]}.")
            _search(stream, head, "It")
            return
    with open_archive(content) as archive:
        for entry in archive.infolist():
            name = PurePosixPath(path_of(entry.orig_filename)).name
            try:
                with open_file(archive, entry) as stream:
                    head = stream.read(_HEAD_BYTES)
                    if not head.startswith(b"RIFF") and not _is_binary(head):
                        _search(stream, head, f"File {name[:80]} of the archive")
            except Unusable as reason:
                if not name.lower().endswith(".wav"):  # damaged recordings are only rejected by the import
                    message = f"File {name[:80]} of the archive cannot be searched for secrets: {reason}."
                    raise ImportFailed("NotADataset", message) from reason


def _is_binary(head: bytes) -> bool:
    return b"\x00" in head and encoding_of(head) == "utf-8-sig"


def _search(stream: IO[bytes], head: bytes, subject: str) -> None:
    settings = lines = 0
    stream.seek(0)
    with io.TextIOWrapper(stream, encoding=encoding_of(head), errors="replace") as text:
        while line := text.readline(_MAX_PART):
            stripped, lowered = line.strip(), line.lower()
            # Lines of several words are only searched if they contain a hint.
            is_searched = " " not in stripped or any(hint in lowered for hint in _HINTS)
            if is_searched and (found := _SECRET.search(line)):
                secret = list(_SECRETS)[(found.lastindex or 1) - 1]
                raise ImportFailed("NotADataset", f"{subject} contains {secret}. Remove it from the data.")
            # The first 200 lines decide whether a text consists of settings.
            if lines < 200 and stripped and not stripped.startswith(("#", ";", "[", "//")):
                lines += 1
                settings += _SETTING.fullmatch(stripped) is not None
    if lines and settings == lines:
        raise ImportFailed("NotADataset", f"{subject} sets variables, as a .env file does; it is not a dataset.")
