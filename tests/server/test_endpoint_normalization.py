"""Endpoints as users write them."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.http.uvicorn_server import listen
from custom_speech_server.resource_config import load, normalize_endpoint
from custom_speech_tools.speech import RequestPipeline, Speech, UnreachableError

pytestmark = pytest.mark.anyio

CUSTOM = "https://contoso.cognitiveservices.azure.com"
REGIONAL = "https://westeurope.api.cognitive.microsoft.com"


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        (CUSTOM, CUSTOM),
        (f"{CUSTOM}/", CUSTOM),
        ("HTTPS://Contoso.CognitiveServices.Azure.com", CUSTOM),
        ("Https://contoso.cognitiveservices.azure.com:443/", CUSTOM),
        (f"  {REGIONAL}  ", REGIONAL),
        ("HTTP://LOCALHOST:80/", "http://localhost"),
        ("http://127.0.0.1:8765/eastus/", "http://127.0.0.1:8765/eastus"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_endpoint_is_normalized_when_it_is_read(written: str, normalized: str) -> None:
    assert normalize_endpoint(written) == normalized


@pytest.mark.parametrize("path", ["/sts/v1.0/issuetoken", "/speechtotext/v3.2", "/speechtotext", "/?x=1", "/#x"])
def test_endpoint_with_a_path_on_an_azure_host_is_refused_with_the_address_that_was_meant(path: str) -> None:
    with pytest.raises(ValueError, match=rf"^must not have a path: write {REGIONAL}$"):
        normalize_endpoint(REGIONAL + path)


def test_endpoint_of_another_host_is_refused_with_the_variable_and_the_hosts_that_work() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(None, {"SPEECH_KEY": "k", "SPEECH_ENDPOINT": "https://evil.example"})

    assert str(refused.value) == (
        "environment: SPEECH_ENDPOINT: is not a host of Azure Speech over https: write "
        "https://REGION.api.cognitive.microsoft.com or https://NAME.cognitiveservices.azure.com. "
        "Correct it and start again."
    )


def test_azure_speech_variables_are_understood() -> None:
    [resource] = load(None, {"AZURE_SPEECH_KEY": "k", "AZURE_SPEECH_REGION": "westeurope"}).all

    assert (resource.endpoint, resource.region, resource.emulated) == (REGIONAL, "westeurope", False)


def expired_certificate(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate of localhost that has expired."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "expired.pem"
    file.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def tls_listener(folder: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Listen with an expired certificate; provide the port and what was received after a handshake."""
    received: list[bytes] = []
    context = expired_certificate(folder)
    with listen("127.0.0.1", 0) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    with context.wrap_socket(connection, server_side=True) as secure:
                        received.append(secure.recv(4096))
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], received
        listener.shutdown(2)


@pytest.mark.usefixtures("no_retry_waits")
@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https", "hTTpS"])
async def test_certificates_are_checked_however_https_is_spelled(tmp_path: Path, scheme: str) -> None:
    """The key is not sent to a listener whose certificate has expired."""
    with tls_listener(tmp_path) as (port, received):
        environment: dict[str, Any] = {"SPEECH_KEY": "canary", "SPEECH_ENDPOINT": f"{scheme}://localhost:{port}"}
        speech = Speech(RequestPipeline(load(None, environment).all[0]))
        with pytest.raises(UnreachableError, match="certificate is not trusted"):
            await speech.models_list_supported_locales()
        await speech.close()

    assert received == []
