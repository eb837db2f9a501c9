"""A made-up run of the lab, for tests of what is shown of one: no figure in it was measured."""

MODELS = [
    # name, title, best requests/s, the connections it can hold, bytes per connection, threads per connection
    ("one", "one client at a time", 14000, 1, None, 0),
    ("prefork", "processes forked beforehand", 21000, 32, None, 0),
    ("threads", "a thread per connection", 36000, 10000, 21000, 1),
    ("thread-pool", "a pool of threads", 38000, 64, None, 0),
    ("select", "select", 42000, 1020, 420, 0),
    ("poll", "poll", 41000, 20000, 430, 0),
    ("epoll-level", "epoll, level-triggered", 58000, 20000, 424, 0),
    ("epoll-edge", "epoll, edge-triggered", 60000, 20000, 424, 0),
    ("io-uring", "io_uring", 66000, 20000, 388, 0),
    ("workers", "epoll, a worker for each processor", 59000, 20000, 424, 0),
    ("coroutines", "coroutines with stacks of their own", 52000, 20000, 8600, 0),
]


def load(rate, p50, errors=0, why=None):
    return {
        "requests": int(rate * 2), "requests_per_s": rate, "latency_p50_us": p50, "latency_p99_us": p50 * 3.1,
        "latency_p999_us": p50 * 6.7, "latency_max_us": p50 * 20, "requests_unanswered": errors, "errors": errors, "error_text": why, "is_client_bound": False, "is_client_late": False,
    }


def unanswered(count):
    nothing = dict.fromkeys(("latency_p50_us", "latency_p99_us", "latency_p999_us", "latency_max_us"))
    return {"requests": 0, "requests_per_s": 0, **nothing, "requests_unanswered": count, "errors": count, "error_text": f"{count} requests not answered in time",
            "is_client_bound": False, "is_client_late": False}


def usage(rate, threads):
    return {
        "cpu_us_per_request": 7e5 / rate, "system_cpu_share": 0.8, "cores_used": 0.97,
        "voluntary_switches_per_request": 1.6 if threads else 0.04, "involuntary_switches_per_request": 0.01,
        "processes": 1, "threads": max(1, threads),
    }


def throughput(best, limit, threads, shape):
    points = []
    for connections in (1, 10, 100, 1000, 10000):
        if connections > max(limit, 100):
            break
        rate = best * (0.45 if connections == 1 else 1) * (1 - shape * min(1, connections / 20000) ** 0.5)
        starved = connections > limit
        point = {"connections": connections}
        point |= load(rate, 1e6 * min(limit, connections) / rate, 40 if starved else 0,
                      f"{connections - limit} connections had no answer within 1 s" if starved else None)
        point |= usage(rate, threads * connections)
        points.append(point)
    return points


def mostly_idle(best, limit, threads, shape, counts):
    """Ten busy connections among idle ones: what a turn costs grows with those."""
    points = []
    for connections in counts:
        if connections <= limit:
            rate = best / (1 + shape * connections / 300)
            points.append({"connections": connections} | load(rate, 1e7 / rate) | usage(rate, threads * connections))
    return points


def model(name, title, best, limit, bytes_each, threads):
    shape = {"select": 4, "poll": 1.2, "threads": 0.6, "prefork": 0.9}.get(name, 0.25)
    idle = None if bytes_each is None else {
        "connections": 1000, "memory_bytes_per_connection": bytes_each, "page_table_bytes_per_connection": 30 + threads * 9000,
        "kernel_stack_bytes_per_connection": threads * 16384, "threads_per_connection": threads, "processes_per_connection": 0,
        "descriptors_per_connection": 1, "memory_bytes_before": 640000,
    }
    loop = threads == 0 and name != "thread-pool"
    return {
        "name": name, "title": title,
        "idea": "What an architecture does, in a sentence or two, is told here for whoever meets it for the first time.",
        "breaks": "And here stands what makes it break: a word on cores, on clients that wait, on what grows with them.",
        "source": f"lab/{name}.c", "connections_max": limit if limit < 100 else None, "unavailable": None, "fault": None,
        "throughput": throughput(best, limit, threads, shape), "idle": idle,
        "mostly_idle": mostly_idle(best, limit, threads, shape, (100, 900, 10000)),
        "slow": {"without": load(2000, 90), "with": load(2000, 95) if limit > 64 else unanswered(80)},
        "blocking": {"without": load(990, 85), "with": load(990, 11000 if loop else 88), "blocked": load(10, 51000)},
        "limit": {"connections": limit if limit < 20000 else 19900, "has_held_all": limit >= 20000,
                  "how": "it did not: no more were tried" if limit >= 20000
                  else "1 connected and not answered of 16 more, within 1000 ms"},
    }


def sample():
    return {
        "format": 1, "vif_version": "0.1.0", "started": "2026-11-23T16:00:00Z", "duration_s": 512.4, "mode": "full",
        "interrupted": False,
        "machine": {
            "cpu": "Example CPU @ 2.90GHz", "cores": 2, "kernel": "Linux 6.18.0", "memory_bytes": 24 << 30,
            "server_cores": [0], "client_cores": [1], "descriptors_max": 20000, "load_average_before": 0.2,
        },
        "settings": {
            "connections": [1, 10, 100, 1000, 10000], "warm_up_ms": 1000, "duration_ms": 4000, "idle_connections": 1000,
            "busy_connections": 10, "mostly_idle_connections": [100, 900, 10000],
            "slow_fast_connections": 20, "slow_requests_per_s": 2000, "slow_drip_clients": 40, "slow_read_clients": 40,
            "blocking_connections": 20, "blocking_requests_per_s": 1000, "blocking_share": 0.01, "blocking_ms": 50,
            "limit_connections": 19900, "answer_timeout_ms": 1000, "throughput_timeout_ms": 3000,
        },
        "models": [model(*row) for row in MODELS] + [{
            "name": "absent", "title": "A model that this machine lacks", "idea": "An idea.", "breaks": "Nothing.",
            "source": "lab/absent.c", "connections_max": None, "unavailable": "the kernel does not allow it", "fault": None,
            "throughput": [], "mostly_idle": [], "idle": None, "slow": None, "blocking": None, "limit": None,
        }],
    }
