"""The locales of custom speech, and the kinds of data that their base models accept.

Source: Azure's language support page, section on custom speech, September 2026.
"""

from custom_speech_emulator.http.api_versions import ApiVersion, Json

AUDIO_KINDS = ("Acoustic", "AudioFiles")
_TEXT = ("Language", "LanguageMarkdown", "OutputFormatting")
_LOCALES: dict[tuple[str, ...], str] = {
    ("Acoustic",): "as-IN or-IN pa-IN ur-IN",
    ("Language",): (
        "af-ZA am-ET az-AZ bg-BG bs-BA cy-GB eu-ES fa-IR fr-BE gl-ES hy-AM is-IS it-CH jv-ID ka-GE kk-KZ km-KH lo-LA "
        "mk-MK mn-MN ms-MY mt-MT my-MM ne-NP nl-BE ps-AF si-LK so-SO sq-AL sr-ME sr-RS sr-XK sw-KE sw-TZ uz-UZ vi-VN "
        "wuu-CN yue-CN zh-CN-shandong zh-CN-sichuan zu-ZA"
    ),
    ("Acoustic", "Language"): (
        "ar-AE ar-BH ar-DZ ar-IL ar-IQ ar-JO ar-KW ar-LB ar-LY ar-MA ar-OM ar-PS ar-QA ar-SY ar-TN ar-YE bn-IN gu-IN "
        "he-IL kn-IN ml-IN mr-IN uk-UA"
    ),
    ("Language", "OutputFormatting"): "nb-NO",
    ("Language", "Pronunciation"): "ca-ES et-EE fil-PH fr-CH ga-IE hr-HR lt-LT lv-LV ro-RO sk-SK sl-SI",
    ("Acoustic", "Language", "LanguageMarkdown"): "ar-EG bho-IN el-GR es-GQ ru-RU ta-IN te-IN",
    ("Acoustic", "Language", "Pronunciation"): "de-CH",
    ("Language", "LanguageMarkdown", "Pronunciation"): "es-AR es-CU es-DO es-US",
    ("Acoustic", *_TEXT): "ar-SA hi-IN ja-JP ko-KR th-TH tr-TR zh-CN zh-HK zh-TW",
    ("Acoustic", "Language", "LanguageMarkdown", "Pronunciation"): (
        "cs-CZ de-AT es-BO es-CL es-CO es-CR es-EC es-GT es-HN es-NI es-PA es-PE es-PR es-PY es-SV es-UY es-VE hu-HU "
        "id-ID"
    ),
    (*_TEXT, "Pronunciation"): "fr-CA",
    (*AUDIO_KINDS, "Language", "LanguageMarkdown", "Pronunciation"): "en-GH en-KE en-TZ en-ZA",
    ("Acoustic", *_TEXT, "Pronunciation"): (
        "da-DK de-DE en-IN es-ES es-MX fi-FI fr-FR it-IT nl-NL pl-PL pt-BR pt-PT sv-SE"
    ),
    (*AUDIO_KINDS, *_TEXT, "Pronunciation"): "en-AU en-CA en-GB en-HK en-IE en-NG en-NZ en-PH en-SG en-US",
}
TRAINS_WITH = {locale: kinds for kinds, locales in _LOCALES.items() for locale in locales.split()}
LOCALES = tuple(sorted(TRAINS_WITH))
BY_LOWER_CASE = {locale.lower(): locale for locale in LOCALES}
_FULL = (
    "ar-EG as-IN de-DE en-AU en-GB en-IN en-US es-ES es-MX fr-CA fr-FR hi-IN it-IT ja-JP ko-KR nl-NL pt-BR sv-SE zh-CN"
)
# Locales with every base model of the seed data. The others have six each, which keeps the state small.
FULL_LOCALES = _FULL.split()
_FAST = (
    "da-DK de-DE en-AU en-CA en-GB en-IN en-US es-ES es-MX fi-FI fr-CA fr-FR hi-IN it-IT ja-JP ko-KR nl-NL pl-PL pt-BR "
    "pt-PT sv-SE zh-CN"
)
# Locales of fast transcription. It is documented that not all locales have it; this selection is a guess.
FAST_LOCALES = _FAST.split()


def dataset_locales(version: ApiVersion) -> Json:
    """Return the dataset kinds of each locale for v3.2, or the locales of each kind for the dated versions."""
    # Every locale with audio and transcripts also accepts audio without transcripts, for tests.
    kinds = {
        locale: (*names, "AudioFiles") if "Acoustic" in names and "AudioFiles" not in names else names
        for locale, names in sorted(TRAINS_WITH.items())
    }
    if not version.dated:
        return {locale: list(names) for locale, names in kinds.items()}
    every = sorted({name for names in kinds.values() for name in names})
    return {name: [locale for locale, names in kinds.items() if name in names] for name in every}


def transcription_locales(version: ApiVersion) -> object:
    """Return the locales of transcriptions, separated into batch and fast for the dated versions."""
    return {"Submit": LOCALES, "Transcribe": FAST_LOCALES} if version.dated else LOCALES


def has_token_scoring(locale: str) -> bool:
    """Return whether evaluations score tokens (recorded live: it-IT yes, vi-VN no; other locales are guessed)."""
    return "OutputFormatting" in TRAINS_WITH.get(locale, ())
