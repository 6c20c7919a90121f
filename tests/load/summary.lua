-- Shared by the wrk scripts: counts answers by status and prints one JSON line at the end.
local summary = { statuses = {} }

function summary.count(status)
  local key = tostring(status)
  counts = counts or {}
  counts[key] = (counts[key] or 0) + 1
end

function summary.print(total, latency, threads)
  local failed = total.errors.connect + total.errors.read + total.errors.write + total.errors.timeout +
    total.errors.status
  local statuses = {}
  for _, thread in ipairs(threads) do
    for status, number in pairs(thread:get('counts') or {}) do
      statuses[#statuses + 1] = string.format('"%s":%d', status, number)
    end
  end
  local form = '{"requests":%d,"failed":%d,"per_second":%.1f,"p50_us":%d,"p95_us":%d,"p99_us":%d,"statuses":{%s}}\n'
  io.write(string.format(form, total.requests, failed, total.requests / (total.duration / 1e6),
    latency:percentile(50), latency:percentile(95), latency:percentile(99), table.concat(statuses, ',')))
end

return summary
