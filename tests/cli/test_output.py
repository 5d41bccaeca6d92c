from __future__ import annotations

import os
import pty
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from cli.live import VAGUS, Clinic

from vagus.cli import failure, output
from vagus.kernel.errors import ConfigError, EngineFault, MessageError


def test_cells_cannot_steer_a_terminal():
    assert output.text("a\x1b[2Jb\nc") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c"
    assert output.text(None) == "-" and output.text([]) == "-" and output.text(True) == "yes"
    assert output.text(["a", 1]) == "a 1"


def test_json_keeps_decimals_exact():
    assert output.dumps({"a": Decimal("10.00"), "b": {2, 1}}) == '{"a":10.00,"b":[1,2]}'


def test_columns_line_up(capsys: pytest.CaptureFixture[str]):
    rows = [{"name": "a", "n": 1}, {"name": "long name", "n": 22}]
    assert output.rows(rows, ("name", "n"), "text") == 2
    assert capsys.readouterr().out == "NAME       N\na          1\nlong name  22\n"
    output.rows([], ("name",), "text")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("mend this"), 2, "mend this"),
        (EngineFault("broken"), 1, "error: broken"),
        (MessageError("code", "PID-3"), 1, "error: code at PID-3"),
        (FileNotFoundError(2, "No such file", "x.yaml"), 1, "error: x.yaml: No such file"),
        (KeyboardInterrupt(), 130, ""),
        (ExceptionGroup("g", [ConfigError("a"), EngineFault("b")]), 2, "a"),
    ],
)
def test_errors_have_a_line_and_a_code(capsys, error, code, text):
    assert failure.report(error) == code
    assert text in capsys.readouterr().err


def test_a_defect_of_ours_shows_its_place_and_no_content(capsys):
    with pytest.raises(ValueError) as caught:
        int("MARKED-NAME")
    assert failure.report(caught.value) == 1
    told = capsys.readouterr().err
    assert "ValueError at test_output.py" in told and "MARKED-NAME" not in told


def test_debugging_shows_the_traceback(shell, tmp_path: Path):
    (tmp_path / "vagus.yaml").write_text("- no\n")
    assert "Traceback" not in shell("channels", tmp_path).err
    assert "Traceback" in shell("channels", tmp_path, VAGUS_DEBUG="1").err


def test_a_reader_that_leaves_early_is_no_accident(message):
    verb = [sys.executable, "-m", "vagus.cli", "connectors", "describe", "channel"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(verb, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(write)
    assert done.returncode == 1 and done.stderr == b""


def on_terminal(*words: object, clinic: Clinic | None = None) -> str:
    """What a person sees."""
    environment = {**(clinic.environment if clinic else os.environ), "COLUMNS": "120"}
    pid, handle = pty.fork()
    if pid == 0:
        os.execve(VAGUS[0], [*VAGUS, *map(str, words)], {**environment, "TERM": "xterm"})
    seen = b""
    try:
        while data := os.read(handle, 1 << 16):
            seen += data
    except OSError:
        pass  # the other side of a terminal ends with an error on Linux
    os.close(handle)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return seen.decode()


def test_tables_on_a_terminal():
    seen = on_terminal("connectors")
    assert "mllp" in seen and "───" in seen


def test_running_on_a_terminal_shows_a_table_then_the_counts(tmp_path: Path):
    clinic = Clinic(tmp_path / "clinic").make()
    seen = on_terminal("run", clinic.folder, "--for", "1s", clinic=clinic)
    assert "hl7_in" in seen and "last message" in seen
    assert f"http://127.0.0.1:{clinic.http}" in seen and "vagus dead-letters" in seen
    assert seen.rstrip().endswith('"pending":0,"duplicates":0}')
    assert '"event"' not in seen
