"""`python -m telemetry` with a bad configuration."""

from pathlib import Path

import pytest

from telemetry.__main__ import main


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "telemetry"),
        ("[telemetry\n", "line 1"),
        ("[telemetry]\ncolour = 1\n", "colour"),
        (
            '[telemetry]\nhost = "0.0.0.0"\nport = 1\nstore_path = "a"\nsocket_path = "b"\n',
            "tls_key",
        ),
    ],
)
def test_a_bad_configuration_is_told_and_ends_with_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    line = tmp_path / "line.toml"
    line.write_text(text)
    assert main([str(line)]) == 2
    assert told in capsys.readouterr().err


def test_a_missing_file_ends_with_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_store_beside_the_file_that_cannot_be_used_ends_with_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.sqlite").write_bytes(b"no database at all" * 100)
    line = tmp_path / "line.toml"
    line.write_text(
        '[telemetry]\nhost = "127.0.0.1"\nport = 0\nstore_path = "s.sqlite"\n'
        'socket_path = "s.sock"\n'
    )
    assert main([str(line)]) == 2
    assert "not a database" in capsys.readouterr().err


def test_no_file_named_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
