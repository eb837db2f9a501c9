"""Certificates of a configuration: what `vif check` tells of them, and what `vif run` and `vif --cert` do then."""
import subprocess

import pytest

from test_printed import BINARY, vif

pytestmark = pytest.mark.skipif("built without TLS" in vif("cert", "--ca", "/nowhere").stderr, reason="built without TLS")


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def make(folder, name, days=90, subject="a.example"):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={subject}", "-addext",
            f"subjectAltName=DNS:{subject}")
    (folder / f"{name}.key").chmod(0o600)


@pytest.fixture(scope="module", name="folder")
def fixture_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    make(folder, "good")
    make(folder, "other")
    make(folder, "soon", 10)
    make(folder, "open")
    (folder / "open.key").chmod(0o644)
    (folder / "junk.pem").write_text("nothing")
    (folder / "short.keys").write_bytes(b"short")
    return folder


def config(tls, more=""):
    return (f"listen: [{{address: '127.0.0.1:0', tls: true}}]\nworkers: 1\n{more}sites:\n- hosts: a.example\n  tls: {tls}\n"
            "  routes: {/: {respond: a}}\n")


def run(folder, command, text):
    return subprocess.run([BINARY, command, "-c", "-"], cwd=folder, input=text, capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.mark.parametrize(("tls", "told"), [
    ("{certificate: good.pem, key: other.key}", "does not belong to"),
    ("{certificate: junk.pem, key: good.key}", "junk.pem"),
    ("{certificate: good.pem}", "good.pem"),
    ("{certificate: good.pem, key: good.key, ciphers: nonsense}", "nonsense"),
    ("{certificate: good.pem, key: good.key, groups: nonsense}", "nonsense"),
    ("{certificate: good.pem, key: good.key, client: required, client_ca: junk.pem}", "junk.pem"),
    ("[{certificate: good.pem, key: good.key}, {certificate: other.pem, key: other.key}]", "one for each kind"),
])
def test_what_cannot_be_used_is_an_error_of_both(folder, tls, told):
    checked, ran = (run(folder, command, config(tls)) for command in ("check", "run"))
    assert (checked.returncode, ran.returncode) == (2, 1)
    assert "<stdin>:5:8: error: tls: " in checked.stderr or "5:8: error: tls: " in checked.stderr
    for said in (checked, ran):
        assert told in said.stderr


@pytest.mark.parametrize(("tls", "told"), [
    ("{certificate: soon.pem, key: soon.key}", "warning: tls: "),
    ("{certificate: open.pem, key: open.key}", "every user of this machine may read the key"),
])
def test_what_works_is_a_warning(folder, tls, told):
    checked = run(folder, "check", config(tls))
    assert checked.returncode == 0, checked.stderr
    assert told in checked.stderr


def test_a_certificate_for_other_names_is_told(folder):
    checked = run(folder, "check", config("{certificate: good.pem, key: good.key}").replace("hosts: a.", "hosts: b."))
    assert checked.returncode == 0
    assert "is not for b.example" in checked.stderr and "clients will refuse it" in checked.stderr


def test_a_good_one_is_good(folder):
    checked = run(folder, "check", config("{certificate: good.pem, key: good.key}"))
    assert checked.returncode == 0
    assert "is good: listeners 1" in checked.stdout


def test_ticket_keys_that_are_none(folder):
    text = config("{certificate: good.pem, key: good.key}", "tickets: {keys: short.keys}\n")
    ran = run(folder, "run", text)
    assert ran.returncode == 1
    assert "ticket keys are 1 to 4 times 80" in ran.stderr
    assert "cannot use the ticket keys of" in ran.stderr


@pytest.mark.parametrize(("flags", "told"), [
    (["--key", "good.key"], "tls.key: there is no `certificate` beside it"),
    (["--cert", "nowhere.pem"], "tls.certificate: \"nowhere.pem\": No such file or directory"),
    (["--tls=yes"], "takes no value"),
])
def test_flags_that_are_wrong(folder, flags, told):
    ran = subprocess.run([BINARY, *flags, "."], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert told in ran.stderr


def test_no_place_for_an_authority(folder):
    ran = subprocess.run([BINARY, "--tls", "."], cwd=folder, capture_output=True, text=True, timeout=60, check=False, env={})
    assert ran.returncode == 1
    assert "no place for the authority: neither HOME nor XDG_DATA_HOME is set" in ran.stderr


@pytest.mark.parametrize("listen", [
    "[':8080', {address: ':8443', tls: true}]",
    "{address: ':8443', tls: true}",
    "[{address: ':8080', redirect_to_https: 443}]",
])
@pytest.mark.parametrize("flags", [["-p", "9000"], ["-a", "127.0.0.1"]])
def test_a_port_does_not_take_https_from_a_file(folder, listen, flags):
    text = f"listen: {listen}\nsites:\n- tls: {{certificate: good.pem, key: good.key}}\n  routes: {{/: {{respond: a}}}}\n"
    for command in ("run", "check"):
        ran = subprocess.run([BINARY, command, "-c", "-", *flags], cwd=folder, input=text, capture_output=True, text=True,
                             timeout=60, check=False)
        assert ran.returncode == 2
        assert "1:" in ran.stderr and "listen: -p and -a replace all listeners" in ran.stderr
        assert "change the address here" in ran.stderr
