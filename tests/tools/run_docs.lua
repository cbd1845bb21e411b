-- tests/tools/run_docs.lua: what the documentation shows has to run. Every fenced lua block of README.md, in order
-- and in one state, and every recipe, on a tiny network and picture that stand in the current directory.
-- usage: xairun -q tests/tools/run_docs.lua     (XAI_SOURCE, XAI_BUILD; in an empty directory)
local source, build = os.getenv "XAI_SOURCE" or ".", os.getenv "XAI_BUILD" or "build"
package.path = source .. "/tests/tools/?.lua;" .. package.path
local samples = require "samples"
samples.onnx "model.onnx"
samples.png "cat.png"

local failures = 0
local function check(name, ok, message)
  print(("%s %s"):format(ok and "ok  " or "FAIL", name))
  if ok then return end
  failures = failures + 1
  if message then print("     " .. tostring(message)) end
end

-- Blocks keep their line numbers, so that an error names the line of the README.
local number, from, lines = 0, nil, nil
for line in io.lines(source .. "/README.md") do
  number = number + 1
  if not lines and line:find "^```lua" then
    from, lines = number, {}
  elseif lines and line:find "^```" then
    local chunk, trouble = load(("\n"):rep(from) .. table.concat(lines, "\n"), "@README.md", "t")
    arg = { [0] = "README.md", "model.onnx", "cat.png" }
    local ok = chunk
    if chunk then ok, trouble = pcall(chunk, table.unpack(arg)) end
    check("README.md:" .. from, ok, trouble)
    lines = nil
  elseif lines then
    lines[#lines + 1] = line
  end
end

local program = "'" .. build .. "/xairun'"
local list = assert(io.popen(program .. " --list"))
for line in list:lines() do
  local recipe = line:match "^%S+"
  check("xairun " .. recipe, os.execute(("%s -q %s --model model.onnx --image cat.png"):format(program, recipe)))
end
list:close()
if failures > 0 then os.exit(1, true) end
