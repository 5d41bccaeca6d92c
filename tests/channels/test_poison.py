from __future__ import annotations

from pathlib import Path

from channels.poison import StartedMark


def killed(path: Path, number: int) -> bool:
    """A process that dies while it works on a message; whether it began."""
    mark = StartedMark(path)
    began = mark.start(number)
    mark.close()
    return began


def test_the_third_start_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "started"
    assert [killed(path, 7), killed(path, 7), killed(path, 7)] == [True, True, False]


def test_what_was_finished_is_not_suspected(tmp_path: Path) -> None:
    path = tmp_path / "started"
    for _ in range(5):
        mark = StartedMark(path)
        assert mark.start(7)
        mark.finish()
        mark.close()


def test_older_messages_in_between_do_not_clear_the_suspect(tmp_path: Path) -> None:
    path = tmp_path / "started"
    for expected in (True, True, False):
        mark = StartedMark(path)
        assert mark.start(3)
        mark.finish()
        assert mark.start(7) is expected
        mark.close()


def test_the_mark_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "started"
    StartedMark(path).close()
    assert path.stat().st_mode & 0o077 == 0
