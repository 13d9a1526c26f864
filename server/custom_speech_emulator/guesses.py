"""What Microsoft's documentation leaves open, and what the emulator answers. All of it is a guess.

The third column of each row is where it is decided, so that a proven fact can replace the guess in one place.
"""

from __future__ import annotations

GUESSES: tuple[tuple[str, str, str], ...] = (
    ("A model, project, base model and dataset of different locales", "400 InvalidRequest / InvalidLocale", "entities"),
    ("A dataset kind that the base model does not list", "400 InvalidRequest / InvalidAdaptationMapping", "models"),
    ("A pronunciation file together with structured text", "400 InvalidRequest / InvalidAdaptationMapping", "models"),
    ("Audio in a region without training hardware", "400 InvalidRequest / InvalidAdaptationMapping", "models"),
    ("A dataset that is not Succeeded", "400 InvalidRequest / FailedDataset", "models"),
    ("A dataset twice in one model", "400 InvalidRequest / InvalidDataset", "models"),
    ("A base model after its adaptation date", "400 InvalidRequest / ModelDeprecated", "base_models"),
    ("No baseModel, or null", "the newest open base model of the locale that accepts the data", "base_models"),
    ("No open base model accepts the data", "400 InvalidRequest / InvalidBaseModel", "base_models"),
    ("A custom model as baseModel", "400 InvalidRequest / InvalidPayload", "entities"),
    ("A model without datasets and text", "accepted: the specification requires neither", "models"),
    ("Datasets and text in one v3.2 model", "400 InvalidRequest / InvalidPayload", "models"),
    ("customModelWeightPercent left out", "30", "models"),
    ("Status of a fresh model; of anything else", "Running; NotStarted", "models"),
    ("A reference to another host, resource kind or resource", "400 InvalidRequest / InvalidPayload", "entities"),
    ("A reference to something that does not exist", "400 with InvalidProject, InvalidDataset, …", "entities"),
    ("A locale that is not offered, or in the wrong case", "400 InvalidRequest / InvalidLocale", "locales"),
    ("Read-only properties in a body", "ignored", "bodies"),
    ("Unknown properties in a body", "400 InvalidRequest / InvalidPayload", "bodies"),
    ("Unknown, repeated or ill-typed query parameters", "400 InvalidRequest / InvalidParameter(Value)", "app"),
    ("A body that is not sent as JSON; of more than 1 MiB", "415; 413", "app"),
    ("An id that is no GUID", "404, as any unknown id (DELETE: 204)", "entities"),
    ("Page size without top; greatest page", "100; 100, with @nextLink", "paging"),
    ("A filter outside the grammar", "400 InvalidRequest / UnsupportedFilter", "filter"),
    ("PATCH of customProperties", "merged key by key, null takes a key away", "entities"),
    ("PATCH with project null", "disconnects", "projects"),
    ("DELETE of something that is NotStarted or Running", "409 Conflict / DeleteNotAllowed", "entities"),
    ("DELETE of something in use", "409 Conflict / InUseViolation", "entities"),
    ("DELETE of a project with content", "204; the content stays and loses its project", "projects"),
    ("Life of a copy authorization", "24 hours", "copies"),
    ("Copy with an unknown or foreign authorization", "400 InvalidRequest / InvalidPayload", "copies"),
    ("Copy by another resource than the authorized", "400 / InvalidSourceAzureResourceId", "copies"),
    ("Copy after the authorization has expired", "400 / ModelCopyAuthorizationExpired", "copies"),
    ("A second copy with one authorization", "400 InvalidRequest / InvalidPayload", "copies"),
    (
        "Copy of a model that is not Succeeded, or past its transcription date",
        "400 / InvalidModel, ModelDeprecated",
        "copies",
    ),
    ("v3.2 :copy with targetSubscriptionKey, as the training article has it", "201 with the target's model", "copies"),
    ("… with a key of no resource", "400 InvalidRequest / InvalidSubscription", "copies"),
    ("What a copy keeps", "name, description, locale, custom properties; no datasets, no project", "copies"),
    ("Base models of different regions", "the same ids everywhere", "entities"),
    ("Retry-After", "a quarter of what is left, 1 to 60 seconds; 1 on lists", "progress"),
)
