-- xai.features: rows of numbers for pictures, and the store that outlives a kill.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny, folder = dofile(here .. "tiny.lua"), dofile(here .. "folder.lua")
local xai = require "xai"
local core = require "xai.core"
local program = (os.getenv "XAI_BUILD" or "build") .. "/xairun"

--- Seven pictures of the tiny network's size in two classes; the fourth cannot be read.
local function make(path)
  for i = 1, 7 do folder.picture(("%s/%s/%d.png"):format(path, i <= 3 and "cat" or "dog", i), 10 * i) end
  folder.write(path .. "/dog/4.png", "not a picture")
end

local function same(a, b) return #a:shape() == #b:shape() and core.bytes_of(a) == core.bytes_of(b) end

-- A grey picture of v is x = v everywhere (luminance), A1 = v, relu(2 - v) = 0 for v > 2: m = (v, 0), what fc weighs.
test("the layer before the classifier, a row per picture that can be read", function(t)
  folder.with(function(path)
    make(path)
    local f = xai.features(tiny.load(), path)
    t.eq(f.layer, "flat")
    t.eq(tostring(f), "features 6x2 of layer flat")
    local want = {}
    for _, v in ipairs { 10, 20, 30, 50, 60, 70 } do want[#want + 1] = { v, 0 } end
    t.near(f.values, want, 1e-4)
    t.eq(f.index:totable(), { 1, 2, 3, 5, 6, 7 })
    t.eq(f.labels:totable(), { 0, 0, 0, 1, 1, 1 })
    t.eq(f.names, { "cat", "cat", "cat", "dog", "dog", "dog" })
    t.eq(f.paths, { "cat/1.png", "cat/2.png", "cat/3.png", "dog/5.png", "dog/6.png", "dog/7.png" })
    t.eq({ #f.skipped, f.skipped[1].index }, { 1, 4 })
    t.ok(f.skipped[1].why:find("dog/4.png", 1, true))
    t.eq(f:image(4):get(1, 1), 50)
  end)
end)

test("height and width become a mean, a maximum, or columns", function(t)
  folder.with(function(path)
    make(path)
    local net = tiny.load()
    local x = net:prepare(xai.image(path .. "/dog/7.png"))
    local a = net:forward(x, "conv1")
    local rows = { mean = { a:channel(1):mean(), a:channel(2):mean() }, max = { a:channel(1):max(), a:channel(2):max() },
      none = a:reshape(32):totable() }
    for pool, want in pairs(rows) do t.near(xai.features(net, path, "conv1", { pool = pool }).values[6], want, 1e-4, pool) end
    t.near(xai.features(net, { path .. "/dog/7.png" }, "input", { pool = "none" }).values, { x:reshape(16):totable() }, 0)
  end)
end)

-- How products of matrices are summed depends on how many pictures there are; on nothing else.
test("the same bits for any number of threads, any part of whole batches, and with a store", function(t)
  folder.with(function(path)
    local good, scenes = pcall(xai.scenes, { seed = 5, size = 96, count = 21 })
    if not good then t.skip(scenes) end
    local net = xai.model "default"
    local f = xai.features(net, scenes, nil, { batch = 4 })
    t.eq({ f.layer, tostring(f.values:shape()) }, { "relu7", "21x256" })
    local one = core.pool_rows(net:forward(net:prepare(scenes[21].image), f.layer), "mean") -- alone in the last batch
    t.ok(same(one, f.values[21]:reshape(1, 256)))
    for i, options in ipairs { { threads = 1 }, { part = 4, threads = 3, ahead = 2 }, { part = 8, store = path .. "/s1" },
      { part = 100, store = path .. "/s2" }, { store = path .. "/s1" } } do
      options.batch = 4
      local g = xai.features(net, scenes, nil, options)
      t.ok(same(g.values, f.values) and same(g.labels, f.labels) and same(g.index, f.index), "options " .. i)
      t.eq(g.names, f.names)
    end
    t.near(xai.features(net, scenes, nil, { batch = 16 }).values, f.values, 1e-4)
  end)
end)

test("a store holds everything, and is taken as it is the next time", function(t)
  folder.with(function(path)
    make(path .. "/set")
    local store, net = path .. "/store", tiny.load()
    local f = xai.features(net, path .. "/set", nil, { store = store, part = 2 })
    local files = folder.contents(store)
    local names = {}
    for name in pairs(files) do names[#names + 1] = name end
    table.sort(names)
    t.eq(names, { "features.safetensors", "manifest.json" })
    local again = xai.features(net, path .. "/set", nil, { store = store })
    t.ok(same(again.values, f.values))
    t.eq(again.seconds.network, 0)
    t.ok(folder.contents(store)["features.safetensors"] == files["features.safetensors"])
    local read = xai.features.read(store)
    t.ok(same(read.values, f.values))
    t.eq({ read.names, read.paths, read.classes, read.layer, #read.skipped }, { f.names, f.paths, f.classes, "flat", 1 })
    t.fails(function() read:image(1) end, "features: image: the features were read from a store, without their pictures")
    t.fails(function() xai.features.read(path) end, "no finished store")
  end)
end)

test("a store goes on where it was, and believes no part that is not whole and its own", function(t)
  folder.with(function(path)
    make(path .. "/set")
    local store, net = path .. "/store", tiny.load()
    -- parts of 2: 1 2 | 3 4 | 5 6 | 7; the pass ends after the third
    local f = xai.features(net, path .. "/set", nil, { store = path .. "/whole", part = 2 })
    local kept = {}
    do -- the parts, before they are joined
      local put, parts = require "xai.store".put, {}
      require "xai.store".put = function(self, k, tensors)
        put(self, k, tensors)
        parts[k] = folder.read(self:part_path(k))
        if k == 3 then error "power cut" end
      end
      t.fails(function() xai.features(net, path .. "/set", nil, { store = store, part = 2 }) end, "power cut")
      require "xai.store".put = put
      kept = parts
    end
    t.eq(#kept, 3)
    folder.write(store .. "/part-000002.safetensors", kept[2]:sub(1, -2)) -- cut short
    folder.write(store .. "/part-000004.safetensors", (kept[1]:gsub('"store":"%x%x%x%x', '"store":"0000'))) -- another store's
    local done_parts = {}
    local put = require "xai.store".put
    require "xai.store".put = function(self, k, tensors)
      done_parts[#done_parts + 1] = k
      put(self, k, tensors)
    end
    local g = xai.features(net, path .. "/set", nil, { store = store }) -- parts as the manifest has them
    require "xai.store".put = put
    t.eq(done_parts, { 2, 4 })
    t.ok(same(f.values, g.values))
    t.eq(folder.contents(store)["features.safetensors"] == folder.contents(path .. "/whole")["features.safetensors"], true)
    t.eq(#core.folder(store), 2)
  end)
end)

test("a store of something else is refused, and the line says what differs", function(t)
  folder.with(function(path)
    make(path .. "/set")
    local store, net, set = path .. "/store", tiny.load(), path .. "/set"
    xai.features(net, set, nil, { store = store })
    local function refused(what, ...)
      local arguments = table.pack(...)
      t.fails(function() xai.features(table.unpack(arguments, 1, arguments.n)) end,
        ("features: the store %s was made with another %s"):format(store, what))
    end
    refused('layer ("flat" there, "conv1" here)', net, set, "conv1", { store = store })
    refused('pool ("mean" there, "max" here)', net, set, nil, { store = store, pool = "max" })
    refused('preprocessing ("none" there, "cifar10" here)', tiny.load { preprocess = "cifar10" }, set, nil, { store = store })
    refused("network (", net:with { weights = { fc = "random" } }, set, nil, { store = store })
    refused("pictures to a part (256 there, 3 here), pictures to a pass (16 there, 5 here)", net, set, nil, { store = store, part = 3, batch = 5 })
    os.remove(set .. "/dog/7.png")
    refused("number of pictures (7 there, 6 here)", net, set, nil, { store = store })
    folder.picture(set .. "/dog/8.png", 80)
    refused("set of pictures (", net, set, nil, { store = store })
    refused('layer ("flat" there, "conv1" here), set of pictures (', net, set, "conv1", { store = store })
    folder.write(store .. "/manifest.json", "[1, 2]")
    t.fails(function() xai.features(net, set, nil, { store = store }) end, "this is not the manifest of a store")
    os.remove(store .. "/manifest.json")
    t.fails(function() xai.features(net, set, nil, { store = store }) end, "there are features here, but no manifest.json")
    t.fails(function() xai.features(net:with { hooks = { gap = function() end } }, set, nil, { store = path .. "/other" }) end,
      "features: store: a view with hooks")
  end)
end)

test("options, layers and pictures that make no sense are refused", function(t)
  folder.with(function(path)
    make(path)
    local net = tiny.load()
    t.fails(function() xai.features(net, path, "conv2") end, "conv1")
    t.fails(function() xai.features(net, path, nil, { pool = "sum" }) end, "features: pool: expected mean, max or none, got 'sum'")
    t.fails(function() xai.features(net, path, nil, { batch = 0 }) end, "features: batch: expected a whole number from 1 to 4096, got 0")
    t.fails(function() xai.features(net, path, nil, { stor = "x" }) end, "did you mean 'store'?")
    t.fails(function() xai.features(net, { path .. "/dog/4.png" }) end, "features: none of the 1 pictures could be read: ")
    t.fails(function() xai.features(net, { path .. "/dog/4.png" }, nil, { store = path .. "/s" }) end, "none of the 1 pictures could be read")
    t.fails(function() xai.features(net, path, nil, { store = path .. "/dog/4.png" }) end, "4.png")
    t.eq(xai.features(net, path, { pool = "max" }).pool, "max") -- without a layer
  end)
end)

-- ---- kills ------------------------------------------------------------------------------------------------------------

local SCRIPT = [[
local set = xai.scenes { seed = 9, size = 96, objects = { 1, 2 }, count = 96 }
xai.features(xai.model "default", set, nil, { store = arg[1], part = 3, batch = 3, threads = 2 })
]]

test("killed at ten random moments and called again, a store is the same byte for byte", function(t)
  if not pcall(xai.scenes, { count = 1 }) then t.skip "no font to draw scenes with" end
  folder.with(function(path)
    folder.write(path .. "/pass.lua", SCRIPT)
    local function run(store, seconds)
      return os.execute(("%s '%s' -q '%s/pass.lua' '%s/%s' 2>/dev/null"):format(
        seconds and ("timeout -s KILL %.4f"):format(seconds) or "", program, path, path, store))
    end
    local start = core.clock()
    t.ok(run "whole")
    local whole, took = folder.contents(path .. "/whole"), core.clock() - start
    t.ok(whole["features.safetensors"] and whole["manifest.json"])
    local amid = 0
    for kill = 1, 10 do
      local store = "killed" .. kill
      local ended = run(store, took * math.random())
      local left = core.file_size(path .. "/" .. store) and folder.contents(path .. "/" .. store) or {}
      if not ended and not left["features.safetensors"] and next(left) then amid = amid + 1 end
      t.ok(run(store))
      t.ok(#core.folder(path .. "/" .. store) == 2, "something is left over")
      local got = folder.contents(path .. "/" .. store)
      for name, bytes in pairs(whole) do t.ok(got[name] == bytes, ("kill %d: %s differs"):format(kill, name)) end
    end
    t.ok(amid >= 2, ("only %d kills were in the middle of the pass"):format(amid))
  end)
end)

done()
