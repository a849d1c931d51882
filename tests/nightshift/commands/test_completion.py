"""What Tab offers, and that it is silent where nothing is there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from nightshift.cli import cli
from tests.nightshift.commands.houses import FAILED, GOOD, TWICE
from tests.pipelines.engine.incidents.nights import DUE, ID, verdict
from tests.pipelines.engine.incidents.shop import Shop
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites

__all__ = ["_suites"]


def offered(*words, begun=""):
    complete = ShellComplete(cli, {}, "nightshift", "_NIGHTSHIFT_COMPLETE")
    return [item.value for item in complete.get_completions(list(words), begun)]


def test_commands_pipelines_nights_steps_and_versions_are_offered(nightshift):
    assert offered(begun="stat") == ["status"]
    assert offered("status") == ["tides"]
    assert offered("night", begun="2024-") == [FAILED]
    assert offered("night", begun="l") == ["last"]
    assert offered("quarantine", "tides", begun="2024-") == [GOOD, TWICE, FAILED]
    assert offered("explain", "tides", GOOD, begun="p") == ["plan", "publish", "promote"]
    assert offered("promote", "tides") == ["3", "2", "1"]
    assert offered("open", "night", "tides", begun="2024-03-07") == [TWICE]
    assert offered("score", "tides", begun="2024-03-06..2024-03-0") == [
        f"2024-03-06..{night}" for night in (*tides.LABELLED, *tides.NIGHTS) if night.startswith("2024-03-0")
    ]


def test_beginnings_of_keys_and_incidents_are_offered(home, nightshift):
    [newest, *_] = home.ledger.entries(limit=1)
    assert offered("keys", "show", begun=newest.key[:6]) == [newest.key[:12]]
    assert newest.key[:12] in offered("explain")
    shop = Shop(home.settings.ledger_url)
    shop.settle(verdict("late"), now=DUE)
    shop.close()
    assert offered("incidents", "show") == [ID[:12]]


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/ledger.db", "postgresql://nobody@127.0.0.1:9/none", "odd"])
def test_without_a_ledger_nothing_is_offered_and_nothing_is_said(nightshift, monkeypatch, capfd, url):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", url)
    for words in (("night",), ("quarantine", "tides"), ("keys", "show"), ("promote", "tides"), ("incidents", "show")):
        assert [word for word in offered(*words) if word not in ("last", "yesterday")] == []
    assert offered("open", "nights") == ["tides"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("shell", "said"), [("bash", "complete -o"), ("zsh", "#compdef nightshift"), ("fish", "complete")]
)
def test_each_shell_gets_its_script(nightshift, shell, said):
    assert said in nightshift("completion", shell).stdout


def test_bash_completes_with_the_script(home, tmp_path):
    program = tmp_path / "nightshift"
    program.write_text(f"#!{sys.executable}\nfrom nightshift.cli import main\nmain()\n")
    program.chmod(0o755)
    words = """
        source <(nightshift completion bash)
        COMP_WORDS=(nightshift night 2024-); COMP_CWORD=2
        _nightshift_completion nightshift
        echo "${COMPREPLY[@]}"
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NIGHTSHIFT_")},
        "NIGHTSHIFT_HOME": str(home.home),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(["bash", "-c", words], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (FAILED, "")
