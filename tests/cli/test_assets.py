"""
`otel-kit assets export`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_kit.cli import main


def test_what_was_exported_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A changed file fails it, is named, and stays as it is.
    """
    target = str(tmp_path)
    statuses = [main(["assets", "export", target]), main(["assets", "export", target, "--check"])]
    changed = tmp_path / "collector" / "redaction.yaml"
    changed.write_text("changed", encoding="utf-8")
    capsys.readouterr()
    statuses.append(main(["assets", "export", target, "--check"]))

    assert [0, 0, 1] == statuses
    assert str(changed) in capsys.readouterr().out
    assert "changed" == changed.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [[], ["collector"], ["assets"], ["collector", "walk"], ["assets", "export"]])
def test_half_a_command_is_told_what_is_missing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """
    With the usage, and status 2.
    """
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert 2 == ended.value.code
    assert "usage: otel-kit" in capsys.readouterr().err
