"""Completion in real shells: the words that show when somebody types Tab."""
import shutil

import pytest

import shell
from test_printed import REPOSITORY

SCRIPTS = REPOSITORY / "share" / "completion"

BASH = f"""\
bind 'set show-all-if-ambiguous on'; bind 'set page-completions off'; bind 'set completion-query-items 0'
bind 'set enable-bracketed-paste off'; vif() {{ printf '<%s>\\n' "$*"; }}; PS1='ready> '; source '{SCRIPTS}/vif.bash'
"""

ZSH = f"""\
unsetopt beep prompt_cr prompt_sp; unset zle_bracketed_paste; vif() {{ print -r -- "<$*>" }}; LISTMAX=1000; PS1='ready> '; fpath=('{SCRIPTS}' $fpath)
autoload -Uz compinit; compinit -u -D; bindkey -e; setopt no_always_last_prompt no_auto_menu; zstyle ':completion:*' list-prompt ''
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shell")
    (folder / "site.yaml").touch()
    (folder / "my site.yaml").touch()
    (folder / "public").mkdir()
    return folder


@pytest.fixture(scope="module", params=["bash", "zsh"])
def interactive(request, folder):
    """A shell that completes vif, which is a function that prints its words."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not there: tools/deps test installs it")
    command = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[name]
    made = shell.Shell(command, folder, {"bash": BASH, "zsh": ZSH}[name])
    yield made
    made.close()


@pytest.mark.parametrize("line, shown, not_shown", [
    ("vif ", ["serve", "check", "completion", "public/"], ["--port"]),
    ("vif --", ["--port", "--spa", "--help"], ["--config", "--rate", "check"]),
    ("vif serve --", ["--port", "--hidden"], ["--config"]),
    ("vif run --", ["--config", "--port"], ["--hidden", "--rate"]),
    ("vif check --lo", ["--log-file", "--log-format", "--log-level"], ["--hidden"]),
    ("vif load --", ["--connections", "--rate", "--json", "--status"], ["--hidden", "--port", "--models"]),
    ("vif load --conn", ["--connections", "--connect-rate"], ["--json"]),
    ("vif lab --", ["--models", "--serve", "--quick"], ["--rate", "--hidden"]),
    ("vif lab --serve ", ["epoll-edge", "thread-pool", "io-uring"], ["public/"]),
    ("vif lab --models epoll-", ["epoll-level", "epoll-edge"], ["poll", "select"]),
    ("vif lab --models select,epoll-", ["epoll-level", "epoll-edge"], ["thread-pool"]),
    ("vif lab --scenarios ", ["throughput", "mostly-idle"], []),
    ("vif --log-level ", ["error", "warning", "info", "debug"], ["public/"]),
    ("vif run --log-level=", ["warning", "debug"], ["public/"]),
    ("vif --backend ", ["epoll", "io_uring"], []),
    ("vif --limit cache_", ["cache_file=", "cache_entries="], ["body="]),
    ("vif check --timeout ", ["idle=", "drain="], []),
    ("vif cert ", ["list", "issue", "renew", "remove"], ["public/"]),
    ("vif cert --", ["--ca", "--help"], ["--port"]),
    ("vif manual --", ["--man", "--markdown"], ["--port"]),
    ("vif completion ", ["bash", "zsh"], []),
    ("vif help ", ["check", "lab"], []),
    ("vif version --", ["--help"], ["--port"]),
    ("vif run -c ", ["site.yaml"], ["--port"]),
    ("vif check ", ["site.yaml", "public/"], ["--port"]),
])
def test_tab_shows(interactive, line, shown, not_shown):
    words = [word.rpartition(",")[2] for word in interactive.complete(line)]
    assert set(shown) <= set(words), words
    assert not set(not_shown) & set(words), words


@pytest.mark.parametrize("line, words", [
    ("vif che", "check"), ("vif load --requ", "load --requests"), ("vif lab --serve thread-", "lab --serve thread-pool"),
    ("vif run -c si", "run -c site.yaml"), ("vif check my", "check my site.yaml"), ("vif --hid", "--hidden"),
    ("vif --limit cache_f", "--limit cache_file="), ("vif lab --models one,off", "lab --models one,offload"),
    ("vif load --requests=5 --thr", "load --requests=5 --threads"), ("vif -q pub", "-q public/"),
])
def test_tab_completes(interactive, line, words):
    assert f"<{words}>" in interactive.finish(line).replace("public>", "public/>")
