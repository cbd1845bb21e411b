-- What happens when native memory runs out: the k-th allocation fails, for k = 0, 1, 2, ... until the call succeeds.
-- When it fails from then on, the error must say so, nothing may be left over, and the same call must succeed afterwards.
-- When it fails once, the binding collects garbage and tries again, and nobody notices. (tests/c/bindings/test_fault.c
-- does the same to Lua's own allocations.)
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local core = require "xai.core"

-- Under sanitizers every fifth allocation fails: it is most of a minute as it is.
local STEP <const> = os.getenv "XAI_SANITIZE" == "ON" and 5 or 1

--- Runs fn(make()) with native allocations failing after the first k, for every k that is reached; how many there were.
local function walk(t, make, fn)
  for k = 0, 100000, STEP do
    local given = table.pack(make())
    collectgarbage()
    core.fail_after(k, true)
    local good, message = pcall(fn, table.unpack(given, 1, given.n))
    core.fail_after(-1)
    if good then return k end
    t.ok(tostring(message):find("memory", 1, true), ("allocation %d: %s"):format(k, tostring(message)))
    fn(table.unpack(given, 1, given.n))
  end
  error "it never succeeds"
end

local function net_and_x() return tiny.load(), tiny.x() end

local cases = {
  { "tensors", function() end, function()
    local x = xai.tensor { { 1, 2 }, { 3, 4 } }
    local _ = (x + 1):reshape(4):clamp(0, 2):totable(), x:channel(1), x:sum(1), xai.tensor(x, "int64"), x:set(1, 1, 5)
  end },
  { "load", function() end, function() tiny.load { preprocess = "none", labels = { "a", "b", "c" } } end },
  { "forward", net_and_x, function(net, x) net:forward(x, "pool1") end },
  { "eval", function() return tiny.several() end, function(net)
    net:eval { data = xai.zeros(2, 3), shape = xai.tensor({ 3, 2 }, "int64") }
  end },
  { "logits", net_and_x, function(net, x) net:logits(x) end },
  { "predict", net_and_x, function(net, x) net:predict(x, 2) end },
  { "with", net_and_x, function(net, x) net:with { hooks = { gap = function(a) return a * 2 end }, weights = { fc = "random" } }:logits(x) end },
  { "parameters", function() end, function() core.fill("conv1.weight", { 2, 3, 3, 3 }) end },
  { "run and backward", net_and_x, function(net, x)
    local run = net:run(x)
    run:backward { target = 0 }
    run:backward { target = 1, to = "pool1", relu = "guided" }
  end },
  { "run with keep", net_and_x, function(net, x) net:run(x, { keep = { "gap" } }):backward { target = 0 } end },
  { "pictures", function() return xai.image(xai.zeros(8, 8, 3, "uint8")) end, function(img)
    img:resize(4, 4):crop(1, 1, 2, 2):outline({ x = 1, y = 1, w = 2, h = 2 }):tensor()
  end },
  { "drawing", function() return xai.gradcam(tiny.load(), tiny.x(), { target = 0, layer = "pool1" }) end, function(e)
    e:heat()
    e:over()
    e:boxes()
  end },
  { "sheet", function() return xai.image(xai.zeros(8, 8, 3, "uint8")) end, function(img) xai.sheet { title = "x", { img, "y" } } end },
  { "files", function() return os.tmpname(), xai.zeros(3) end, function(path, x)
    for _, ending in ipairs { ".safetensors", ".npy" } do
      local good, message = pcall(function()
        xai.write(path .. ending, x)
        xai.read(path .. ending)
      end)
      os.remove(path .. ending)
      os.remove(path)
      if not good then error(message, 0) end
    end
  end },
  { "save", function() return os.tmpname(), tiny.load() end, function(path, net)
    local good, message = pcall(net.save, net, path .. ".onnx")
    os.remove(path .. ".onnx")
    os.remove(path)
    if not good then error(message, 0) end
  end },
  { "scores of a map", function() return xai.tensor { { 1, 2, 0 }, { 0, 5, 0 }, { 0, 3, 1 } } end, function(map)
    local box = { x = 1, y = 1, w = 2, h = 2 }
    local _ = xai.score.pointing(map, box, { smooth = 0.3 }), xai.score.iou(map, box), xai.score.mass(map, box), xai.score.rank(map, box),
      xai.score.sparseness(map), xai.score.spearman(map, map), xai.score.ssim(map, map), xai.score.filters(map:reshape(1, 1, 3, 3)),
      xai.score.instances(map, box)
  end },
  { "filters", function() return tiny.load() end, function(net)
    local f = xai.filters(net)
    local _ = f:picture(), f:look { fit = true, size = 8 }
  end },
  { "activations", net_and_x, function(net, x)
    local a = xai.activations(net, x, { layer = "pool1" })
    local _ = a:picture { scale = "common" }, a:channel(1):heat()
  end },
  { "scores that ask the network", net_and_x, function(net, x)
    local map = x:reshape(4, 4)
    for _, name in ipairs { "insertion", "deletion", "drop", "infidelity" } do xai.score[name](net, x, map, { class = 0 }) end
  end },
  { "scores over a set", net_and_x, function(net, x)
    xai.score("gradcam", net, { { image = x, objects = { { class = 1, box = { x = 1, y = 1, w = 2, h = 2 } } } } },
      { metrics = { "pointing", "sensitivity", "randomization" }, sensitivity = { samples = 2 } })
  end },
}
cases[#cases + 1] = { "patches", net_and_x, function(net, x)
  local p = xai.patches(net, { x }, { units = { "conv1:1", "pool1" }, k = 2 }) "pool1:1"[1]
  local _ = p.image, p:trace(), net:receptive_field("conv1", 1, 1)
end }
if pcall(xai.scenes, { classes = { "fox" } }) then -- the font is there
  cases[#cases + 1] = { "scenes", function() return xai.scenes { size = 16, classes = { "dog", "fox" }, objects = 2 } end, function(set)
    local _ = set[1], set:batch(1, 2), set.classes
    xai.scenes.compose { size = 16, objects = { { class = "lion" } } }
  end }
end
cases[#cases + 1] = { "sets of pictures", function()
  return tiny.load(), { xai.image(xai.zeros(4, 4, 3, "uint8")), { image = xai.image(xai.zeros(5, 4, 3, "uint8")), label = "dog" } }
end, function(net, list)
  local set = xai.images(list)
  for _ in set:each { threads = 2 } do end
  for _ in set:batches(net, { batch = 2 }) do end
  local _ = set[2], set:hash(), core.bytes_of(core.join_rows { core.pool_rows(xai.zeros(1, 2, 2, 2), "mean"), xai.zeros(2, 2) }),
    core.tensor_of("abcd", "uint8", { 2, 2 }), core.folder "."
end }
local function net_and_pictures() return tiny.load(), { xai.image(xai.zeros(4, 4, 3, "uint8")), xai.image(xai.zeros(4, 4, 3, "uint8")) } end
cases[#cases + 1] = { "features", net_and_pictures, function(net, list) xai.features(net, list, nil, { part = 1, threads = 1 }) end }
local store = os.tmpname()
os.remove(store)
local quick = io.open(store:gsub("^.*/", "/dev/shm/"), "w") -- in memory, where there is such a folder: all files of a store are synced
if quick then
  quick:close()
  store = store:gsub("^.*/", "/dev/shm/")
  os.remove(store)
end
local function without_store()
  for _, entry in ipairs(core.file_size(store) and core.folder(store) or {}) do os.remove(store .. "/" .. entry.name) end
  os.remove(store)
end
cases[#cases + 1] = { "a store", function()
  without_store()
  return net_and_pictures()
end, function(net, list) xai.features(net, list, nil, { store = store, part = 1, threads = 1 }) end }
cases[#cases + 1] = { "a run in place of a picture", function()
  local net = tiny.load()
  return net, net:run(tiny.x())
end, function(net, run) xai.gradcam(net, run, { target = 0, layer = "pool1" }) end }
local options = { class_image = { target = 0, steps = 1 }, neuron_image = { at = "conv1:1", steps = 1 },
  feature_image = { at = "conv1:1", steps = 1, views = 2, grain = 1 },
  invert = { layer = "conv1", steps = 1, init = tiny.x(), code = xai.randn(1, 2, 4, 4) },
  rise = { target = 0, masks = 20 } }
for _, name in ipairs(xai.methods()) do
  cases[#cases + 1] = { name, net_and_x, function(net, x) xai[name](net, x, options[name] or { target = 0 }) end }
end
cases[#cases + 1] = { "a picture from nothing", net_and_x, function(net) xai.class_image(net, { target = 0, steps = 1 }) end }
cases[#cases + 1] = { "grabcut", function() return xai.image(xai.zeros(8, 8, 3, "uint8")), xai.randn(8, 8) end, function(img, map)
  xai.grabcut(img, { saliency = map })
  xai.grabcut(img, { rect = { 2, 2, 3, 3 } }):over()
end }

for _, case in ipairs(cases) do
  test(case[1] .. ": memory that stays short is an error, and no more", function(t)
    t.ok(walk(t, case[2], case[3]) > 0, "nothing was allocated")
  end)

  test(case[1] .. ": memory that is short once goes unnoticed", function(t)
    for k = 0, walk(t, case[2], case[3]) do
      local given = table.pack(case[2]())
      core.fail_after(k, false)
      local good, message = pcall(case[3], table.unpack(given, 1, given.n))
      core.fail_after(-1)
      t.ok(good, ("allocation %d: %s"):format(k, tostring(message)))
    end
  end)
end

without_store()

-- A builder that ran short of memory is given up as a whole: building again is the caller's.
test("building: memory that stays short is an error, and no more", function(t)
  local weights = {}
  xai.zoo.lenet5 { width = 0.1, weights = function(name, shape)
    weights[name] = core.zeros(shape)
    return weights[name]
  end }
  t.ok(walk(t, function() end, function() xai.zoo.lenet5 { width = 0.1, weights = weights } end) > 0)
end)

done()
