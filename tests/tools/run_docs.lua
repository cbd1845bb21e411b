-- tests/tools/run_docs.lua: what the documentation shows has to run. Every fenced lua block of README.md, in order
-- and in one state, and every recipe, on a tiny network and picture that stand in the current directory.
-- usage: xairun -q tests/tools/run_docs.lua     (XAI_SOURCE, XAI_BUILD; in an empty directory)
local source, build = os.getenv "XAI_SOURCE" or ".", os.getenv "XAI_BUILD" or "build"
if io.open "CMakeLists.txt" then error("run_docs writes pictures and models into the current directory: go to one of its own", 0) end
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

-- The blocks are one script, as a reader takes them: later ones use the locals of earlier ones. All stay on their
-- lines, so that an error names the line of the README.
local script, inside, blocks = {}, false, 0
for line in io.lines(source .. "/README.md") do
  if inside and line:find "^```" then inside = false end
  script[#script + 1] = inside and line or ""
  if not inside and line:find "^```lua" then inside, blocks = true, blocks + 1 end
end
local chunk, trouble = load(table.concat(script, "\n"), "@README.md", "t")
local ok = chunk ~= nil
if ok then
  arg = { [0] = "README.md", "model.onnx", "cat.png" }
  ok, trouble = pcall(chunk, table.unpack(arg))
end
check(("README.md: %d blocks"):format(blocks), ok, trouble)

-- Recipes that take other arguments than a model and a picture.
local ARGUMENTS = {
  compare = "--model model.onnx --count 1 --methods gradcam,random --metrics pointing,deletion --csv a.csv --json a.json",
  inspect = "--model model.onnx",
  filters = "--model model.onnx",
  pca = "--model model.onnx --count 20",
  tsne = "--model model.onnx --count 40 --iterations 60 --perplexity 5",
  features = "--model model.onnx --images . --store features-" .. os.time(),
  localization = "--models default-gap --count 1 --each 1",
  class_image = "--model model.onnx --steps 5",
  neuron_image = "--model model.onnx --steps 5",
  feature_image = "--model model.onnx --steps 3 --channels 2",
  invert = "--model model.onnx --image cat.png --steps 5",
  train_scenes = "--pictures 64 --batch 16 --fresh 48 --pairs 4 --checkpoint train.ckpt --save scenes.safetensors",
}

os.remove "train.ckpt" -- of an earlier run: train_scenes would go on with it
local program = "'" .. build .. "/xairun'"
local list = assert(io.popen(program .. " --list"))
for line in list:lines() do
  local recipe = line:match "^%S+"
  check("xairun " .. recipe, os.execute(("%s -q %s %s"):format(program, recipe,
    ARGUMENTS[recipe] or "--model model.onnx --image cat.png")))
end
list:close()
if failures > 0 then os.exit(1, true) end
