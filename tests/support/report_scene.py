"""What `report --json` prints, made up: models with tests, endpoints, and what ends."""

from datetime import date, timedelta
from typing import Any

NOW = "2026-11-30T08:00:00Z"
HOSTILE = "</script><img src=x onerror=document.title='hit'>\u202e<b>bold</b> شركة " + "W" * 10_000


def report_of(
    models: int = 3, *, name: str = "Clinic", unread: list[str] | None = None, emulated: bool = False
) -> dict[str, Any]:
    """A report about models of two resources; the newest has been tested against its base model and is not live.

    Args:
        name: The beginning of every name.
    """
    missing = [{"resource": one, "reason": f"{one} did not answer: refused."} for one in unread or []]
    common = {"resource": "*", "region": None, "emulated": emulated, "truncated": None}
    common |= {"unread": missing} if missing else {}
    trained = [_model(name, number) for number in range(models)]
    tests = [_test(name, number, emulated=emulated) for number in reversed(range(min(models, 4)))]
    items = [_item(name, number) for number in range(models)]
    answers: dict[str, Any] = {
        "check_expirations": common | {"now": NOW, "items": items, "per_month": {"2026-12": models} if models else {}},
        "list_models": common | {"models": trained},
        "get_evaluation": tests[0] if tests else None,
        "roll_out": _rollout(name),
    }
    return {
        "unread": missing,
        "now": NOW,
        "resources": {
            "resources": [{"name": one, "emulated": emulated} for one in ("train", "berlin", "tokyo")],
        },
        "expirations": answers["check_expirations"],
        "models": answers["list_models"],
        "endpoints": common | {"endpoints": [_endpoint(name)] if models else []},
        "evaluations": common | {"evaluations": tests},
        "tests": tests,
        "answers": answers,
    }


def _model(name: str, number: int) -> dict[str, Any]:
    return {
        "id": f"model-{number}",
        "display_name": f"{name} {number}",
        "locale": "en-US",
        "status": "Succeeded",
        "created": "2026-08-01T00:00:00Z",
        "transcription_until": "2028-10-15",
        "resource": "berlin",
    }


def _item(name: str, number: int) -> dict[str, Any]:
    return {
        "what": f"{name} {number}",
        "id": f"model-{number}",
        "kind": "model",
        "resource": "berlin",
        "ends": str(date(2026, 12, 20) + timedelta(days=7 * number)),
        "effect": f'"{name[:80]}" stops transcribing.',
        "action": "Train it again.",
        "call": f'plan_model(display_name="{name[:80]}", locale="en-US")',
    }


def _test(name: str, number: int, *, emulated: bool) -> dict[str, Any]:
    counts = {"insertions": 1, "deletions": 2, "substitutions": 3, "words": 60}
    first = {"id": f"model-{number}", "display_name": f"{name} {number}", "word_error_rate": 0.1}
    second = {"id": "base", "display_name": "Base", "word_error_rate": 0.2}
    return {
        "id": f"test-{number}",
        "display_name": f"{name} test {number}",
        "locale": "en-US",
        "status": "Succeeded",
        "resource": "berlin",
        "emulated": emulated,
        "created": f"2026-1{number % 2}-01T00:00:00Z",
        "dataset": {"id": "data", "display_name": f"{name} calls", "kind": "Acoustic"},
        "models": [first | counts | {"confidence_95": [0.08, 0.12]}, second | counts],
        "is_void": number == 0,
        "difference": {
            "absolute": -0.1,
            "relative": -0.5,
            "confidence_95": [-0.15, -0.05],
            "relative_95": [-0.7, -0.3],
            "is_significant": True,
        },
        "verdict": "Better: 10.0 % against 20.0 %.",
        "words": [
            {
                "word": name,
                "missed": 4,
                "of": 9,
                "inserted": 1,
                "recognized_as": [name, "clinics"],
                "in_training_data": None,
            }
        ],
        "worst": [
            {
                "file": f"{name}.wav",
                "reference": "please hold the line now",
                "hypothesis": "please the lion line no now",
                "errors": 3,
            },
            {"file": "2.wav", "reference": None, "hypothesis": name, "errors": 1},
        ],
        "findings": [],
    }


def _endpoint(name: str) -> dict[str, Any]:
    return {
        "id": "endpoint",
        "display_name": "clinic-live",
        "locale": "en-US",
        "status": "Succeeded",
        "model": {"id": "model-2", "display_name": f"{name} 2"},
        "created": "2026-08-01T00:00:00Z",
        "resource": "berlin",
    }


def _rollout(name: str) -> dict[str, Any]:
    return {
        "emulated": False,
        "model": {"id": "model-2", "display_name": name},
        "gate": {"passed": True, "reason": "Better."},
        "finished": False,
        "targets": [
            {
                "resource": "berlin",
                "status": "Failed",
                "copy": None,
                "project": None,
                "endpoint": None,
                "previous_model": None,
                "remaining": ["copy"],
                "error": "The service said no.",
            }
        ],
    }
