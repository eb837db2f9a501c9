"""The servers that are compared, and how each is set up.

Every one gets one worker, no access log, kept connections without end, and what its own manual recommends for
speed: whoever knows a server better than we do finds here what to correct. A server is a class with a `name`,
the `binary` it needs, its version, and a `command` that writes the configuration into `site.folder`.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """What a server is told to serve, and where."""
    root: Path                # the folder of files
    folder: Path              # an empty one for configuration, pid files and the like
    port: int
    path: str = "/"           # the one file that canned servers answer with, as in the URL
    floor_mode: str = "keep"  # which floor: see floor.c
    supervised: bool = False  # with whatever the server offers to replace a worker that died
    lists_folders: bool = False  # a folder is answered with its listing
    cached_max: int = 1000       # files that may be cached, where a server has a bound for that
    connections_max: int = 8192  # more than that make some raise their limit of descriptors
    wire: str = "http"           # see Scenario
    certificate: Path = None     # of TLS; the key is in the same file
    origin_port: int = 0         # forward everything to this server; 0: serve files

    @property
    def file(self):
        return self.root / self.path.lstrip("/")

    def write(self, name, text):
        """Writes a configuration file and returns its path as an argument."""
        path = self.folder / name
        path.write_text(text)
        return str(path)


class Server:
    name = ""
    binary = ""
    version_argument = "-v"
    is_canned = False       # answers prepared bytes, never looks at a file
    body_bytes_max = None   # what a canned one can hold
    wires = ("http", "https", "h2", "h2c")
    forwards = True         # keeps connections to an origin

    def find(self):
        """The path of the program, or None when it is not installed."""
        return shutil.which(self.binary, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

    def version(self):
        """The first thing in the program's banner that looks like a version."""
        ran = subprocess.run([self.find(), self.version_argument], capture_output=True, text=True, timeout=20)
        found = re.search(r"\d+\.\d+(\.\d+)?", ran.stdout + ran.stderr)
        return found.group() if found else ""

    def command(self, site):
        raise NotImplementedError

    def environment(self, site):
        return {}


# The backends of vif's loop that may be asked for as servers of their own: vif-poll.
VIF_BACKENDS = ("epoll-lt", "poll", "select", "io_uring")


class Vif(Server):
    version_argument = "--version"
    options = ()

    def __init__(self, binary="build/vif", backend=None, name="vif"):
        self.binary = str(binary)
        self.name = name
        if backend:
            self.name = f"vif-{backend}"
            self.options = ("--backend", backend)

    def find(self):
        return str(Path(self.binary).resolve()) if os.access(self.binary, os.X_OK) else None

    def command(self, site):
        # What vif caches by itself is enough everywhere but in the storm.
        cached = ["--limit", f"cache_entries={site.cached_max}"] if site.cached_max > Site.cached_max else []
        secure = ["--cert", site.certificate, "--key", site.certificate] if site.wire in ("https", "h2") else []
        if site.origin_port:
            return self.proxy_command(site, secure)
        return [self.find(), "-q", "-w", "1", "-a", "127.0.0.1", "-p", str(site.port), *self.options, *cached,
                *map(str, secure), str(site.root)]


    def proxy_command(self, site, secure):
        return [self.find(), "proxy", "-q", "-w", "1", "-a", "127.0.0.1", "-p", str(site.port), *self.options,
                *map(str, secure), str(site.origin_port)]


class Floor(Server):
    """What the system calls alone cost; see floor.c."""
    name = "floor"
    wires = ("http",)
    forwards = False
    is_canned = True

    def __init__(self, binary):
        self.binary = str(binary)

    def version(self):
        return ""

    def command(self, site):
        return [self.binary, site.floor_mode, str(site.file), str(site.port)]


class Nginx(Server):
    name = "nginx"
    binary = "nginx"
    http_options = ""

    def command(self, site):
        # Temporary folders are named because the compiled-in ones need not exist; none is used. Of worker_connections
        # the last sixteenth is kept free, at the cost of idle ones.
        folders = "".join(f"    {kind}_temp_path {site.folder}/{kind};\n"
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        secure = site.wire in ("https", "h2")
        listen = f"127.0.0.1:{site.port} backlog=4096"
        listen += (" ssl" if secure else "") + (" http2" if site.wire in ("h2", "h2c") else "")
        certificate = f"""\
        ssl_certificate {site.certificate};
        ssl_certificate_key {site.certificate};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ecdh_curve X25519:prime256v1;
        ssl_session_cache shared:all:10m;
        http2_max_requests 1000000000;
""" if secure else ""
        origin = answers = ""
        if site.origin_port:
            origin = (f"    upstream origin {{ server 127.0.0.1:{site.origin_port}; keepalive 256;"
                      " keepalive_requests 1000000000; }\n")
            answers = ('        location / { proxy_pass http://origin; proxy_http_version 1.1;'
                       ' proxy_set_header Connection ""; }\n')
        conf = site.write("nginx.conf", f"""\
daemon off;
worker_processes 1;
pid {site.folder}/nginx.pid;
error_log stderr crit;
events {{
    worker_connections {site.connections_max * 9 // 8};
    multi_accept on;
}}
http {{
    types {{ text/html html; }}
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 75;
    keepalive_requests 1000000000;
    open_file_cache max={site.cached_max} inactive=60s;
    open_file_cache_valid 60s;
{folders}{self.http_options}{origin}\
    server {{
        listen {listen};
{certificate}{answers}        root {site.root};
        autoindex {"on" if site.lists_folders else "off"};
    }}
}}
""")
        return [self.find(), "-e", "stderr", "-c", conf]


class NginxThreads(Nginx):
    """nginx with its cure for slow disks, which is off by default because it costs a little on fast ones."""
    name = "nginx, aio threads"
    http_options = "    aio threads;\n"


class H2o(Server):
    name = "h2o"
    binary = "h2o"

    def command(self, site):
        # Started by root without a `user` it would become `nobody`, which need not exist.
        user = "user: root\n" if os.geteuid() == 0 else ""
        ssl = f"""\
      ssl:
        certificate-file: {site.certificate}
        key-file: {site.certificate}
        minimum-version: TLSv1.2
""" if site.wire in ("https", "h2") else ""
        answers = f"""\
        proxy.reverse.url: "http://127.0.0.1:{site.origin_port}/"
        proxy.timeout.keepalive: 75000
""" if site.origin_port else f"""\
        file.dir: {site.root}
        file.dirlisting: {"ON" if site.lists_folders else "OFF"}
"""
        conf = site.write("h2o.conf", f"""\
{user}num-threads: 1
max-connections: {site.connections_max}
pid-file: {site.folder}/h2o.pid
error-log: {site.folder}/h2o.errors
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {site.port}
{ssl}    paths:
      /:
{answers}""")
        return [self.find(), "-m", "master" if site.supervised else "worker", "-c", conf]


class Lighttpd(Server):
    name = "lighttpd"
    wires = ("http",)
    forwards = False
    binary = "lighttpd"

    def command(self, site):
        # 65535 is the most that the option holds; one connection in so many requests costs next to nothing.
        # server.max-fds would lift the limit of descriptors that bench/hold sets: it inherits its own.
        connections = ""
        if site.connections_max > Site.connections_max:
            connections = f"server.max-fds = 20000\nserver.max-connections = {site.connections_max}\n"
        conf = site.write("lighttpd.conf", f"""\
server.document-root = "{site.root}"
server.bind = "127.0.0.1"
server.port = {site.port}
server.event-handler = "linux-sysepoll"
server.network-backend = "sendfile"
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 75
server.listen-backlog = 4096
server.stat-cache-engine = "inotify"
dir-listing.activate = "{"enable" if site.lists_folders else "disable"}"
{connections}\
mimetype.assign = ( ".html" => "text/html" )
""")
        # With one worker (server.max-worker = 1) this version forks none; its angel is who starts another.
        return [self.find() + ("-angel" if site.supervised else ""), "-D", "-f", conf]


class Caddy(Server):
    name = "caddy"
    wires = ("http",)
    binary = "caddy"
    version_argument = "version"

    def command(self, site):
        answers = (f"reverse_proxy 127.0.0.1:{site.origin_port}" if site.origin_port
                   else f"root * {site.root}\n    file_server {'browse' if site.lists_folders else ''}")
        conf = site.write("Caddyfile", f"""\
{{
    admin off
    auto_https off
    log {{
        level ERROR
    }}
}}
http://:{site.port} {{
    bind 127.0.0.1
    {answers}
}}
""")
        return [self.find(), "run", "--adapter", "caddyfile", "--config", conf]

    def environment(self, site):
        return {"GOMAXPROCS": "1", "HOME": str(site.folder), "XDG_CONFIG_HOME": str(site.folder)}


class Haproxy(Server):
    """haproxy does not serve files: it answers one from memory, within one of its buffers."""
    name = "haproxy"
    binary = "haproxy"
    is_canned = True
    body_bytes_max = 8192

    def command(self, site):
        protocol = {"https": f" ssl crt {site.certificate} alpn http/1.1", "h2c": " proto h2",
                    "h2": f" ssl crt {site.certificate} alpn h2,http/1.1"}.get(site.wire, "")
        answers = f"http-request return status 200 content-type text/html file {site.file}"
        origin = ""
        if site.origin_port:
            answers = "default_backend origin"
            origin = f"backend origin\n    http-reuse always\n    server one 127.0.0.1:{site.origin_port}\n"
        conf = site.write("haproxy.cfg", f"""\
global
    nbthread 1
    maxconn {site.connections_max}
defaults
    mode http
    timeout client 75s
    timeout connect 5s
    timeout server 75s
frontend files
    bind 127.0.0.1:{site.port} backlog 4096{protocol}
    {answers}
{origin}""")
        return [self.find(), "-W", "-db", "-f", conf]
