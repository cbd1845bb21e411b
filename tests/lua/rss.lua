-- rss.lua: how much memory this process holds, as the kernel counts it.
local rss = {}

--- Resident kilobytes, or nil where there is no /proc.
function rss.kilobytes()
  local status = io.open "/proc/self/status"
  if not status then return nil end
  local text = status:read "a"
  status:close()
  return tonumber(text:match "VmRSS:%s+(%d+)")
end

--- Runs body n times after a tenth of that as a warm-up; by how many kilobytes the process grew.
function rss.growth(n, body)
  for _ = 1, n // 10 do body() end
  collectgarbage() collectgarbage()
  local before = rss.kilobytes()
  for _ = 1, n do body() end
  collectgarbage() collectgarbage()
  return rss.kilobytes() - before
end

return rss
