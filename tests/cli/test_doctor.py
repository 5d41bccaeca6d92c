from __future__ import annotations

import os

from vagus.cli import doctor


def test_this_machine(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("doctor", "--format", "json")
    by_name = {line["name"]: line for line in done.lines}
    assert by_name["python"]["state"] == "ok"
    assert by_name["click"]["state"] == "ok"
    assert by_name["fsync"]["text"].split()[0].replace(".", "").isdigit()
    assert {"open files", "clock", "free disk", "packages"} <= by_name.keys()
    assert done.code == (1 if any(line["state"] == "problem" for line in done.lines) else 0)
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_owner_of_one_of_our_names_is_a_problem():
    owners = {"vagus": ["vagus"], "connectors": ["vagus", "acme-connectors"], "broker": ["broker"]}
    found = list(doctor.foreign_owners(owners))
    assert [item.state for item in found] == ["problem", "problem"]
    assert "acme-connectors" in found[0].text and "'connectors'" in found[0].text
    assert [item.state for item in doctor.foreign_owners({"vagus": ["vagus"]})] == ["ok"]


def test_a_key_file_that_others_may_read(call, tmp_path):
    folder = tmp_path / "clinic"
    assert call("init", folder).code == 0
    (folder / "data").mkdir()
    key = folder / "data" / "vagus.key"
    key.write_text("{}")
    os.chmod(key, 0o644)
    done = call("doctor", folder, "--format", "json")
    (found,) = [line for line in done.lines if line["name"] == "key file"]
    assert done.code == 1 and found["state"] == "problem" and "chmod 600" in found["text"]
    os.chmod(key, 0o600)
    done = call("doctor", folder, "--format", "json")
    (found,) = [line for line in done.lines if line["name"] == "key file"]
    assert found["state"] == "ok"
