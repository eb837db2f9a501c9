-- What wrk sends and how it reports. With DEPTH set in the environment, each write carries that many GETs;
-- without it no Lua runs during the measurement. The last line of the output is JSON, so that nobody has to
-- parse wrk's prose.
local depth = tonumber(os.getenv("DEPTH") or "1")

if depth > 1 then
    local batch
    function init(arguments)
        batch = string.rep(wrk.format(), depth)
    end
    function request()
        return batch
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"microseconds":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,' ..
        '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
        errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
