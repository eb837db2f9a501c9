"""Certificates for tests, made by openssl(1) as they are needed."""
import functools
import pathlib
import subprocess

DAYS = 90


def openssl(*arguments, cwd=None, text=None):
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, input=text, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def make_key(path, kind):
    """Of kind "ec", "rsa" (of 2,048 bits) or "rsa:BITS"."""
    if kind.startswith("rsa"):
        bits = kind.partition(":")[2] or 2048
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-out", path)
    else:
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    path.chmod(0o600)


@functools.cache
def knows_dates():
    """OpenSSL has had them for x509 since 3.4, which refuses a number of days below zero."""
    return b"-not_before" in subprocess.run(["openssl", "x509", "-help"], capture_output=True, check=False).stderr


def lifetime(days):
    """Of a certificate that ends in so many days, or has ended where they are below zero."""
    if days < 0 and knows_dates():
        return ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"]
    return ["-days", days]


class Authority:
    """One that issues, in a folder of its own: NAME.pem with the certificate and NAME.key."""

    def __init__(self, folder, name="Test Authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        make_key(self.key, "ec")
        openssl("req", "-x509", "-new", "-key", self.key, "-out", self.certificate, "-days", DAYS, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.count = 0

    def issue(self, name, hosts=(), kind="ec", days=DAYS, usage="serverAuth"):
        """The paths of the certificate and of its key."""
        self.count += 1
        key = self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        certificate = self.folder / f"{name}.pem"
        extensions = self.folder / f"{name}.ext"
        names = ",".join(("IP:" if host[0].isdigit() else "DNS:") + host for host in hosts)
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        make_key(key, kind)
        openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-set_serial",
                1000 + self.count, *lifetime(days), "-extfile", extensions, "-out", certificate)
        return certificate, key

    def revoke(self, *names):
        """A list of revoked certificates with those in it."""
        database, settings, path = (self.folder / f"revoked.{ending}" for ending in ("index", "cnf", "crl"))
        serials = [openssl("x509", "-in", self.folder / f"{name}.pem", "-noout", "-serial").decode().strip().split("=")[1]
                   for name in names]
        database.write_text("".join(f"R\t351231235959Z\t251231235959Z\t{serial}\tunknown\t/CN=x\n" for serial in serials))
        settings.write_text(f"[ca]\ndefault_ca=this\n[this]\ndatabase={database}\ndefault_md=sha256\n")
        openssl("ca", "-config", settings, "-gencrl", "-keyfile", self.key, "-cert", self.certificate, "-crldays", DAYS,
                "-out", path)
        return path

    def staple(self, name, days=5):
        """An OCSP response that says that the certificate is good."""
        certificate, response = self.folder / f"{name}.pem", self.folder / f"{name}.ocsp"
        serial = openssl("x509", "-in", certificate, "-noout", "-serial").decode().strip().split("=")[1]
        index = self.folder / f"{name}.index"
        index.write_text(f"V\t351231235959Z\t\t{serial}\tunknown\t/CN={name}\n")
        question = self.folder / f"{name}.ocspreq"
        openssl("ocsp", "-issuer", self.certificate, "-cert", certificate, "-no_nonce", "-reqout", question)
        openssl("ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate, "-rkey", self.key,
                "-reqin", question, "-respout", response, "-ndays", days)
        return response
