"""Tables of docs/lab/counts.json, which tools/count-lab writes: counts, which a busy machine does not change; and of
bypass.json of tools/measure-bypass."""
from drawing import count, digits, size, us


def table(head, rows):
    """The first column holds names, the others figures."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Counts:
    def __init__(self, counts, bypass):
        self.over_veth = bypass
        self.models = counts["models"]
        self.settings = counts["settings"]
        self.said_values = counts["said"]
        self.idle = counts["idle"]

    def rows(self, part, *columns):
        return [[f"`{name}`", *(column(model[part]) for column in columns)]
                for name, model in self.models.items() if part in model]

    def memory(self):
        """The least first."""
        def total(idle):
            return sum(idle[f"{kind}_bytes_per_connection"] for kind in ("memory", "kernel_stack", "page_table"))

        rows = [[f"`{name}`", *(size(max(0, idle[f"{kind}_bytes_per_connection"])) for kind in ("memory", "kernel_stack", "page_table")),
                 digits(max(idle["threads_per_connection"], idle["processes_per_connection"]))]
                for name, idle in sorted(self.idle.items(), key=lambda item: total(item[1]))]
        connections = next(iter(self.idle.values()))["connections"]
        return table([f"each of {connections:,} idle connections", "memory", "kernel stacks", "page tables", "threads or processes"], rows)

    def calls(self):
        rows = [[f"`{name}`", digits(model["batches"]["calls_per_answer"]), digits(model["connections"]["calls_per_connection"]),
                 digits(model["connections"]["births_per_connection"])]
                for name, model in self.models.items()]
        at_once = max(model["batches"]["at_once"] for model in self.models.values())
        return table(["system calls for an answer", f"{at_once} requests at once", "a connection for each",
                      "threads or processes born for it"], rows)

    def burst(self):
        tried = self.settings["burst"]
        return table([f"of {tried:,} clients at once", "answered", "closed without an answer", "silence"],
                     self.rows("burst", *(lambda found, key=key: count(found[key]) for key in ("answered", "closed", "silent"))))

    def queue(self):
        return table([f"{self.settings['queued']} clients at 50 ms each", "*c·s/n*", "the last one waited"],
                     self.rows("queue", lambda found: f"{found['least_s']:.2f} s" if found["least_s"] else "by chance",
                               lambda found: f"{found['last_s']:.1f} s"))

    def limited(self):
        limit = size(self.settings["limit_bytes"])
        return table([f"with {limit} of address space", "clients held"],
                     self.rows("limited", lambda found: ("≥ " if found["held"] == found["tried"] else "") + count(found["held"])))

    def sharing(self):
        def shares(key):
            return lambda found: " / ".join(map(str, found[key]))

        many = next(model["sharing"]["connections"] for model in self.models.values() if "sharing" in model)
        return table(["", "wake-ups for a connection", "of 20 connections each loop got", f"of {many}"],
                     self.rows("sharing", lambda found: digits(found["wake_ups_per_connection"]), shares("shares_of_20"), shares("shares")))

    def bypass(self):
        """The first model is what the others are compared with: their figures are multiples of its own."""
        def cell(name, point, key, unit):
            return unit(point[key]) if name == first else f"× {point['of_first'][key]:.2f}"

        first, *_ = models = self.over_veth["models"]
        rows = [[f"`{name}`, {point['connections']}" + (f", {point['pipeline']} at once" if point["pipeline"] > 1 else ""),
                 cell(name, point, "requests_per_s", count), cell(name, point, "server_us", us), cell(name, point, "client_us", us),
                 digits(model["calls_per_answer"]) if (point["connections"], point["pipeline"]) == (100, 1) else ""]
                for name, model in models.items() for point in model["points"]]
        return table(["over a veth pair, connections", "requests/s", "CPU of the server", "CPU of the client",
                      "system calls for an answer"], rows)

    def said(self):
        stacks, send, kernel = (self.said_values[key] for key in ("stacks", "send", "kernel"))
        rows = [
            ["a thread costs 8 MB, so 1,000 to 10,000 are the end", f"{stacks['threads']:,} sleeping threads with stacks of the usual "
             f"size: {stacks['virtual_bytes'] / 1e9:.1f} GB of address space, {stacks['resident_bytes'] / 1e6:.0f} MB of memory. "
             f"The kernel's limits here: {kernel['threads_max']:,} threads, {kernel['mappings_max']:,} mappings at two a stack"],
            ["epoll ends at 100,000 connections", f"the limit here is {kernel['epoll_watches_max']:,} (fs.epoll.max_user_watches, "
             "which grows with memory)"],
            ["write(2) sends the response", f"of {send['response_bytes'] / 1e6:.2f} MB one send(2) on a non-blocking socket took "
             f"{send['sent_bytes'] / 1e6:.2f}; the rest must wait for EPOLLOUT"],
            ["listen(fd, 5) is the length of the queue", f"the kernel takes any number up to net.core.somaxconn, here "
             f"{kernel['somaxconn']:,}; SOMAXCONN of <sys/socket.h> may be lower"],
        ]
        lines = [["said", "measured"], ["---", "---"], *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


BLOCKS = {name: getattr(Counts, name) for name in ("memory", "calls", "burst", "queue", "limited", "sharing", "said", "bypass")}
