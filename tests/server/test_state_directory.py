"""The state key: one per user, private, shared by processes that start at once."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.state_directory import KEY_FILE, state_key


def test_state_key_is_kept_in_a_private_file(tmp_path: Path) -> None:
    key = state_key(None, tmp_path)

    assert key == state_key(None, tmp_path) == (tmp_path / KEY_FILE).read_bytes()
    assert len(key) == 32
    assert os.name == "nt" or (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_state_key_is_the_same_for_processes_that_start_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: state_key(None, tmp_path), range(32)))

    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_shared_state_key_takes_precedence_and_must_be_long_enough(tmp_path: Path) -> None:
    assert state_key("s" * 32, tmp_path) == b"s" * 32
    with pytest.raises(ConfigurationError, match="32 characters"):
        state_key("s" * 31, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX")
def test_state_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    state_key(None, tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)

    said: list[str] = []

    assert state_key(None, tmp_path, said.append) != (tmp_path / KEY_FILE).read_bytes()
    assert [KEY_FILE in text and "not a private file" in text for text in said] == [True]


def test_state_key_without_a_directory_ends_with_the_process() -> None:
    assert state_key(None, None) != state_key(None, None)


@pytest.mark.skipif(os.name == "nt", reason="named pipes are POSIX")
def test_state_key_that_is_a_pipe_is_reported_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / KEY_FILE, 0o600)
    said: list[str] = []

    assert len(state_key(None, tmp_path, said.append)) == 32
    assert ["not a private file" in text for text in said] == [True]
