-- For wrk: POST a file's bytes, again and again; the last line of the output is JSON.
--
--     wrk ... -s post.lua URL -- FILE [REQUESTS]
--
-- With REQUESTS wrk's one thread stops after so many answers.

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  wrk.headers["Content-Type"] = "application/json"
  local left = tonumber(arguments[2])
  if left then
    -- Not without need: wrk would read the headers of every answer for it.
    function response()
      left = left - 1
      if left == 0 then wrk.thread:stop() end
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "refused": %d, "sockets": %d}\n',
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
