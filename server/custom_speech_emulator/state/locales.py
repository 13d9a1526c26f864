"""The locales of the emulator and the kinds of data that their base models accept.

A part of Azure's table (language support, custom speech, September 2026); each locale here has base models.
"""

from __future__ import annotations

from custom_speech_emulator.http.errors import invalid

AUDIO = ("Acoustic", "AudioFiles")
_TEXT = ("Language", "LanguageMarkdown", "OutputFormatting")
_MOST = ("Acoustic", *_TEXT, "Pronunciation")
_ALL = ("Acoustic", "AudioFiles", *_TEXT, "Pronunciation")

TRAINS_WITH: dict[str, tuple[str, ...]] = {
    "ar-EG": ("Acoustic", "Language", "LanguageMarkdown"),
    "as-IN": ("Acoustic",),
    "de-DE": _MOST,
    "en-AU": _ALL,
    "en-GB": _ALL,
    "en-IN": _MOST,
    "en-US": _ALL,
    "es-ES": _MOST,
    "es-MX": _MOST,
    "fr-CA": (*_TEXT, "Pronunciation"),
    "fr-FR": _MOST,
    "hi-IN": ("Acoustic", *_TEXT),
    "it-IT": _MOST,
    "ja-JP": ("Acoustic", *_TEXT),
    "ko-KR": ("Acoustic", *_TEXT),
    "nl-NL": _MOST,
    "pt-BR": _MOST,
    "sv-SE": _MOST,
    "zh-CN": ("Acoustic", *_TEXT),
}
LOCALES = tuple(TRAINS_WITH)
# Audio without transcripts can be uploaded for tests wherever audio with transcripts can.
DATASETS = {
    locale: tuple(dict.fromkeys((*kinds, *(("AudioFiles",) if "Acoustic" in kinds else ()))))
    for locale, kinds in TRAINS_WITH.items()
}


def supported(locale: str) -> str:
    """Return the locale; 400 `InvalidLocale` when it is not offered."""
    if locale not in TRAINS_WITH:
        raise invalid("InvalidLocale", f"The locale {locale[:35]!r} is not supported.", "locale")
    return locale
