-- tests/tools/make_figures.lua: makes the small pictures with which test_figures.lua compares the lecture's figures. To be run, and its
-- pictures looked at, when a figure has been added or changed on purpose, or the networks that ship were trained anew:
--
--   XAI_SOURCE=. build/xairun tests/tools/make_figures.lua            all, and the note of the networks
--   XAI_SOURCE=. build/xairun tests/tools/make_figures.lua L25 L31    those only
local source = os.getenv "XAI_SOURCE" or "."
local figures = dofile(source .. "/tests/lua/figures.lua")
local wanted = {}
for _, name in ipairs(arg) do wanted[name] = true end

local counts, path = {}, figures.folder .. "/panels.txt"
local old = io.open(path)
for line in old and old:lines() or function() end do
  local name, count = line:match "^(L%S+) (%d+)$"
  if name then counts[name] = count end
end
for _, name in ipairs(figures.names()) do
  if #arg == 0 or wanted[name] or wanted[name:match "^L%d+"] then
    local panels = figures.run(name)
    counts[name] = #panels
    figures.strip(panels):save(("%s/%s.png"):format(figures.folder, name))
  end
end

local lines = {}
for name, count in pairs(counts) do lines[#lines + 1] = ("%s %d\n"):format(name, count) end
table.sort(lines)
local file <close> = assert(io.open(path, "w"))
assert(file:write(table.concat(lines), figures.networks()))
