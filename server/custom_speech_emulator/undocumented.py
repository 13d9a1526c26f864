"""Behaviour of the emulator and the evidence for it, so that a proven fact can replace a guess in one place."""

from __future__ import annotations

from typing import Literal, NamedTuple

Evidence = Literal["specified", "documented", "recorded", "guessed"]
"""`specified`: in the published OpenAPI files. `documented`: on a page of Microsoft's. `recorded`: seen in recorded
answers of the live service. `guessed`: none of these."""


class Behaviour(NamedTuple):
    """One behaviour; `module` is where it is decided."""

    question: str
    answer: str
    evidence: Evidence
    module: str


BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        "Operations, paths, query parameters, schemas of requests and answers",
        "as published, for three versions",
        "specified",
        "routes",
    ),
    Behaviour(
        "Error bodies of the service",
        "`{code, message, target, innerError}` with no wrapper",
        "specified",
        "http/errors",
    ),
    Behaviour(
        "Error bodies of the gateway: wrong key, unknown address",
        "`{error: {code, message}}`",
        "documented",
        "http/errors",
    ),
    Behaviour(
        "Retirement dates of base models and custom models",
        "one and two years after the quarter of the release",
        "documented",
        "state/seed",
    ),
    Behaviour(
        "Kinds of data by locale",
        "as listed on the page of September 2026; not enforced",
        "documented",
        "state/locales",
    ),
    Behaviour(
        "Datasets and endpoints, and characters of text, by tier",
        "2 and 500, 1 and 50; 200,000 and 500,000",
        "documented",
        "state/quotas",
    ),
    Behaviour(
        "Limits of dataset files and lines",
        "as on the pages on test and training data",
        "documented",
        "custom_speech_data/limits",
    ),
    Behaviour(
        "100 requests in 10 seconds and resource, with `rate_limit`",
        "429 TooManyRequests",
        "documented",
        "state/quotas",
    ),
    Behaviour(
        "Base models by the path of custom models, in evaluations and endpoints",
        "accepted, answered as `/models/base/{id}`",
        "recorded",
        "resources/evaluations",
    ),
    Behaviour(
        "`$filter`; `$top` and `$skip` alike", "the same as `filter`, `top`, `skip`", "recorded", "http/messages"
    ),
    Behaviour(
        "Any kind of data, in any region, with a base model that adapts to text alone",
        "accepted; only the transcripts are used, and training is quick",
        "recorded",
        "resources/models",
    ),
    Behaviour(
        "A base model that cannot be adapted", "400 InvalidRequest / InvalidPayload", "recorded", "resources/models"
    ),
    Behaviour(
        "Token errors of evaluations",
        "five categories, in percent of all edits; none for some locales",
        "recorded",
        "resources/evaluation_scoring",
    ),
    Behaviour("Word and sentence error rates", "four and three decimals", "recorded", "resources/evaluation_scoring"),
    Behaviour(
        "Files of evaluations",
        "`<wav>.model1_score.json` in the shape of a transcription result",
        "recorded",
        "resources/evaluations",
    ),
    Behaviour("Status of an evaluation before its end", "NotStarted, never Running", "recorded", "state/progress"),
    Behaviour("Counts of a dataset that waits for blocks", "0 and 0", "recorded", "resources/datasets"),
    Behaviour("Charge of base models of 2023", "none", "recorded", "state/seed"),
    Behaviour("Locales in any case", "accepted, answered in the service's case", "recorded", "state/locales"),
    Behaviour("A trailing slash; JSON without Content-Type", "accepted, because programs send them", "guessed", "app"),
    Behaviour(
        "How a substitution is written in `scoringResult`",
        "both words, with a bar between them",
        "guessed",
        "resources/evaluation_scoring",
    ),
    Behaviour("Locales with token scoring", "those with display text formats", "guessed", "state/locales"),
    Behaviour("A locale that is not offered", "400 InvalidRequest / InvalidLocale", "guessed", "state/locales"),
    Behaviour(
        "A kind of data that a base model with audio does not list",
        "400 InvalidRequest / InvalidAdaptationMapping",
        "guessed",
        "resources/models",
    ),
    Behaviour(
        "Audio outside the training regions, with a base model that lists audio",
        "400 InvalidRequest / InvalidAdaptationMapping; `audio_training_elsewhere` switches it off",
        "guessed",
        "resources/models",
    ),
    Behaviour(
        "No open base model takes the data", "400 InvalidRequest / InvalidBaseModel", "guessed", "resources/base_models"
    ),
    Behaviour(
        "A test with a dataset without audio", "400 InvalidRequest / InvalidTest", "guessed", "resources/evaluations"
    ),
    Behaviour(
        "A model that cannot be deployed", "400 InvalidRequest / ModelNotDeployable", "guessed", "resources/endpoints"
    ),
    Behaviour(
        "A body that is empty, or not JSON",
        "400 InvalidRequest / EmptyRequest, InvalidRequestBodyFormat",
        "guessed",
        "http/operation_call",
    ),
    Behaviour(
        "A model, project, base model and dataset of different locales",
        "400 InvalidRequest / InvalidLocale",
        "guessed",
        "resources/entities",
    ),
    Behaviour(
        "A pronunciation file together with structured text",
        "400 InvalidRequest / InvalidAdaptationMapping",
        "guessed",
        "resources/models",
    ),
    Behaviour("A dataset that is not Succeeded", "400 InvalidRequest / FailedDataset", "guessed", "resources/models"),
    Behaviour("A dataset twice in one model", "400 InvalidRequest / InvalidDataset", "guessed", "resources/models"),
    Behaviour(
        "A base model after its adaptation date",
        "400 InvalidRequest / ModelDeprecated",
        "guessed",
        "resources/base_models",
    ),
    Behaviour(
        "No baseModel, or null",
        "the newest open base model of the locale that accepts the data",
        "guessed",
        "resources/base_models",
    ),
    Behaviour("A custom model as baseModel", "400 InvalidRequest / InvalidPayload", "guessed", "resources/entities"),
    Behaviour(
        "A model without datasets and text",
        "accepted: the specification requires neither",
        "guessed",
        "resources/models",
    ),
    Behaviour(
        "Datasets and text in one v3.2 model", "400 InvalidRequest / InvalidPayload", "guessed", "resources/models"
    ),
    Behaviour("customModelWeightPercent left out", "30", "guessed", "resources/models"),
    Behaviour("Status of a fresh model; of anything else", "Running; NotStarted", "guessed", "resources/models"),
    Behaviour(
        "A reference to another host, resource kind or resource",
        "400 InvalidRequest / InvalidPayload",
        "guessed",
        "resources/entities",
    ),
    Behaviour(
        "A reference to something that does not exist",
        "400 with InvalidProject, InvalidDataset, …",
        "guessed",
        "resources/entities",
    ),
    Behaviour("Read-only properties in a body", "ignored", "guessed", "http/request_bodies"),
    Behaviour("Unknown properties in a body", "400 InvalidRequest / InvalidPayload", "guessed", "http/request_bodies"),
    Behaviour(
        "Unknown, repeated or ill-typed query parameters",
        "400 InvalidRequest / InvalidParameter(Value)",
        "guessed",
        "app",
    ),
    Behaviour("api-version beside v3.2 in the path", "ignored: programs send it", "guessed", "app"),
    Behaviour("A body that is not sent as JSON; of more than 1 MiB", "415; 413", "guessed", "app"),
    Behaviour(
        "A comma before a closing bracket, as some articles print it",
        "400: it is no JSON",
        "guessed",
        "http/operation_call",
    ),
    Behaviour("An id that is no GUID", "404, as any unknown id (DELETE: 204)", "guessed", "resources/entities"),
    Behaviour("Page size without top; greatest page", "100; 100, with @nextLink", "guessed", "http/paging"),
    Behaviour("A filter outside the grammar", "400 InvalidRequest / UnsupportedFilter", "guessed", "http/odata_filter"),
    Behaviour("PATCH of customProperties", "merged key by key, null takes a key away", "guessed", "resources/entities"),
    Behaviour("PATCH with project null", "disconnects", "guessed", "resources/projects"),
    Behaviour(
        "DELETE of something that is NotStarted or Running",
        "409 Conflict / DeleteNotAllowed",
        "guessed",
        "resources/entities",
    ),
    Behaviour("DELETE of something in use", "409 Conflict / InUseViolation", "guessed", "resources/entities"),
    Behaviour(
        "DELETE of a project with content",
        "204; the content stays and loses its project",
        "guessed",
        "resources/projects",
    ),
    Behaviour("Life of a copy authorization", "24 hours", "guessed", "resources/model_copies"),
    Behaviour(
        "Copy with an unknown or foreign authorization",
        "400 InvalidRequest / InvalidPayload",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour(
        "Copy by another resource than the authorized",
        "400 / InvalidSourceAzureResourceId",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour(
        "Copy after the authorization has expired",
        "400 / ModelCopyAuthorizationExpired",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour(
        "A second copy with one authorization",
        "400 InvalidRequest / InvalidPayload",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour(
        "Copy of a model that is not Succeeded, or past its transcription date",
        "400 / InvalidModel, ModelDeprecated",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour(
        "v3.2 :copy with targetSubscriptionKey, as the training article has it",
        "201 with the target's model",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour(
        "… with a key of no resource", "400 InvalidRequest / InvalidSubscription", "guessed", "resources/model_copies"
    ),
    Behaviour(
        "What a copy keeps",
        "name, description, locale, custom properties; no datasets, no project",
        "guessed",
        "resources/model_copies",
    ),
    Behaviour("Base models of different regions", "the same ids everywhere", "guessed", "resources/entities"),
    Behaviour(
        "Custom model whose audio is longer than 40 s throughout",
        "Failed, InvalidDataset",
        "guessed",
        "resources/model_training",
    ),
    Behaviour(
        "More datasets or endpoints than the tier allows",
        "400 InvalidRequest / QuotaViolation",
        "guessed",
        "state/quotas",
    ),
    Behaviour(
        "More text in a v3.2 model than the tier allows",
        "400 InvalidRequest / QuotaViolation",
        "guessed",
        "state/quotas",
    ),
    Behaviour(
        "Blocks or a commit for a dataset that does not wait for them",
        "409 Conflict / InvalidPrerequisite",
        "guessed",
        "resources/dataset_blocks",
    ),
    Behaviour("A block over 8 MiB; an empty one", "413; 400 EmptyRequest", "guessed", "resources/dataset_blocks"),
    Behaviour(
        "Blocks that a commit does not name", "forgotten, as blob storage does", "guessed", "resources/dataset_blocks"
    ),
    Behaviour(
        "A committed block that is missing or named twice",
        "400 InvalidRequest / InvalidPayload",
        "guessed",
        "resources/dataset_blocks",
    ),
    Behaviour(
        "A contentUrl that cannot be read",
        "201, then Failed / DataImportFailed",
        "guessed",
        "resources/dataset_imports",
    ),
    Behaviour(
        "Text in UTF-8 without a byte order mark; in another encoding",
        "taken; Failed, NoUtf8WithBom",
        "guessed",
        "custom_speech_data/lines",
    ),
    Behaviour(
        "A dataset of which nothing can be used", "Failed, DataImportFailed", "guessed", "custom_speech_data/findings"
    ),
    Behaviour(
        "Lines beyond a documented count", "rejected one by one", "guessed", "custom_speech_data/structured_text"
    ),
    Behaviour(
        "An archive that would unpack to over 1 GiB and over a hundred times its size",
        "Failed, DataImportFailed",
        "guessed",
        "custom_speech_data/zip_archive",
    ),
    Behaviour(
        "Names of recordings in a transcript",
        "compared without folders and case",
        "guessed",
        "custom_speech_data/zip_archive",
    ),
    Behaviour(
        "An evaluation of a dataset without audio",
        "400 InvalidRequest / InvalidTest",
        "guessed",
        "resources/evaluations",
    ),
    Behaviour(
        "An evaluation of a dataset without transcripts",
        "Succeeded; every number stays -1",
        "guessed",
        "resources/evaluations",
    ),
    Behaviour("A skipToken for logs that is not known", "an empty page", "guessed", "resources/endpoint_logs"),
    Behaviour("An endpoint without a model", "the newest base model of the locale", "guessed", "resources/endpoints"),
    Behaviour(
        "A model that does not support endpoints",
        "400 InvalidRequest / ModelNotDeployable",
        "guessed",
        "resources/endpoints",
    ),
    Behaviour(
        "Another model for an endpoint that is not ready",
        "409 Conflict / EndpointNotUpdatable",
        "guessed",
        "resources/endpoints",
    ),
    Behaviour(
        "contentLoggingEnabled, which updates have, in a create",
        "taken: programs send it",
        "guessed",
        "resources/endpoints",
    ),
    Behaviour(
        "loggingEnabled without own storage",
        "accepted: the accounts count as having own storage",
        "guessed",
        "resources/endpoints",
    ),
    Behaviour("Endpoints of an F0 resource", "deleted seven days after deployment", "guessed", "resources/endpoints"),
    Behaviour("Body of a challenge to a web hook", "an empty JSON object", "guessed", "resources/web_hook_deliveries"),
    Behaviour("A web hook that does not answer an event", "not sent again", "guessed", "resources/web_hook_deliveries"),
    Behaviour("A web hook whose challenge fails", "Failed / InvalidCallbackUri", "guessed", "resources/web_hooks"),
    Behaviour(
        "sasLifetimeMinutes below 1", "400 InvalidRequest / InvalidSasValidityDuration", "guessed", "resources/files"
    ),
    Behaviour("Retry-After", "a quarter of what is left, 1 to 60 seconds; 1 on lists", "guessed", "state/progress"),
    Behaviour(
        "Logs of an endpoint that keeps none", "400 / EndpointWithoutLogging", "guessed", "resources/endpoint_logs"
    ),
    Behaviour(
        "Dates and skip tokens of logs that cannot be read",
        "400 / InvalidLogDate, InvalidSkipTokenForLogs",
        "guessed",
        "resources/endpoint_logs",
    ),
    Behaviour("A time to live that is not a duration", "400 / InvalidTimeToLive", "guessed", "resources/endpoints"),
)
