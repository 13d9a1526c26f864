"""Size limits of datasets (pages on test and train data and on quotas; the quotas' sizes where the two differ)."""

from custom_speech_data.findings import ImportFailed

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

LARGEST_FREE = {
    "Acoustic": 2 * GIB,
    "AudioFiles": 2 * GIB,
    "Language": 200 * MIB,
    "LanguageMarkdown": 200 * MIB,
    "OutputFormatting": 10 * MIB,
    "Pronunciation": KIB,
}
LARGEST_STANDARD = LARGEST_FREE | {"Language": 3 * GIB // 2, "Pronunciation": MIB}


def check_size(kind: str, size: int, tier: str) -> None:
    """Refuse a dataset of `size` bytes that is larger than the pricing tier allows; raises ImportFailed."""
    largest = (LARGEST_FREE if tier == "F0" else LARGEST_STANDARD)[kind]
    if size > largest:
        raise ImportFailed("QuotaViolation", f"The dataset has {size} bytes; {kind} may have {largest} on tier {tier}.")
