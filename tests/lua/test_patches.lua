-- xai.patches: top places that are known, a stream against sorting everything, states on disk, pictures of patches.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local core = require "xai.core"
local b = require "xai.build"

--- 4 x 4 zeros but for one number.
local function picture(value, row, column)
  local t = xai.zeros(1, 1, 4, 4)
  return t:set(1, 1, row, column, value)
end

--- Activation, picture, row and column of a unit's patches.
local function rows(list)
  local out = {}
  for i, p in ipairs(list) do out[i] = { p.activation, p.index, p.row, p.column } end
  return out
end

test("of pictures with one bright pixel the units find it, equal ones by number", function(t)
  local net <close> = tiny.load()
  local images = { picture(5, 1, 1), picture(9, 2, 4), picture(3, 3, 3), picture(9, 4, 1), picture(7, 4, 4) }
  -- conv1:1 is x, conv1:2 is 2 - x, whose largest is the first 0; pool1:1 is the maximum of four of relu(x)
  local found = xai.patches(net, images, { units = { "conv1", "pool1:1" }, k = 3 })
  t.eq({ #found, found.seen, found.stopped }, { 3, 5, false })
  t.eq(rows(found "conv1:1"), { { 9, 2, 2, 4 }, { 9, 4, 4, 1 }, { 7, 5, 4, 4 } })
  t.eq(rows(found "conv1:2"), { { 2, 1, 1, 2 }, { 2, 2, 1, 1 }, { 2, 3, 1, 1 } })
  t.eq(rows(found "pool1:1"), { { 9, 2, 1, 2 }, { 9, 4, 2, 1 }, { 7, 5, 2, 2 } })
  -- windows of 3 with a pad of 1, then 2 by 2: rows 0 to 3, columns 2 to 5, of which 1 to 3 and 2 to 4 are there
  local p = found "pool1:1"[1]
  t.eq(p.box, { x = 2, y = 1, w = 3, h = 3 })
  t.eq(p.full, { x = 2, y = 0, w = 4, h = 4 })
  t.eq({ p.image:size() }, { 4, 4 })
  t.eq({ p.image:get(1, 1) }, { 214, 214, 214 }) -- above the picture: striped
  t.eq({ p.image:get(3, 3) }, { 9, 9, 9 }) -- row 2, column 4
  t.eq({ p.image:get(4, 4) }, { 168, 168, 168 }) -- right of it: stripe 6, of which 2 and 3 modulo 4 are dark
  t.eq({ p.picture:size() }, { 4, 4 })
  -- picture 2 excites conv1:1 and pool1:1 most, picture 1 conv1:2
  local units = {}
  for i, list in ipairs(found:strongest(9)) do units[i] = list.unit end
  t.eq(units, { "conv1:1", "conv1:2", "pool1:1" })
  t.eq(#found:strongest(2), 2)
  t.ok(tostring(found):find("3 units, 5 pictures\nconv1:1\n   1           9  picture 2  2x3 at 3, 1\n", 1, true), tostring(found))
end)

test("units of a list of features are whole pictures", function(t)
  local net <close> = tiny.load()
  local found = xai.patches(net, { picture(5, 1, 1), picture(9, 2, 4) }, { units = "fc:1" })
  -- z0 = the mean of the pooled maxima
  t.eq(rows(found "fc:1"), { { 9 / 4, 2, 1, 1 }, { 5 / 4, 1, 1, 1 } })
  t.eq(found "fc:1"[1].box, { x = 1, y = 1, w = 4, h = 4 })
end)

--- A network with several layers, and pictures of noise for it.
local function noise()
  local relu = b.relu
  local net = b.net("noise", b.seq { "one", b.conv { 3, k = 3, pad = 1 }, "relu1", relu, "two", b.conv { 4, k = 3, stride = 2 },
    "relu2", relu, "gap", b.gap, "flatten", b.flatten, "fc", b.linear { 2 } },
    { input = { 3, 9, 9 }, weights = "fill", preprocess = "none" })
  local images = {}
  for i = 1, 23 do images[i] = xai.randn(1, 3, 9, 9) end
  return net, images
end

test("one pass over many pictures gives what sorting all activations gives, for several layers at once", function(t)
  local net <close>, images = noise()
  local found = xai.patches(net, images, { units = { "two", "one" }, k = 5 })
  t.eq({ #found, found[1].unit, found[5].unit }, { 7, "two:1", "one:1" })
  for _, list in ipairs(found) do
    local layer, channel = list.unit:match "(.*):(%d)"
    local all = {}
    for i, x in ipairs(images) do
      local map = net:forward(x, layer)[1][math.tointeger(channel)]
      local row, column = map:argmax()
      all[i] = { map:max(), i, row, column }
    end
    table.sort(all, function(p, q) return p[1] > q[1] end)
    t.eq(rows(list), table.move(all, 1, 5, 1, {}), list.unit)
  end
end)

--- Calls fn with a path for a state; the file is gone afterwards.
local function with_path(fn)
  local name = os.tmpname()
  local path = name .. ".safetensors"
  local good, message = pcall(fn, path)
  os.remove(name)
  os.remove(path)
  if not good then error(message, 0) end
end

test("a pass that goes on where another ended finds the same", function(t)
  xai.quiet(true)
  local net <close>, images = noise()
  local units = { "two", "one:2" }
  local want = tostring(xai.patches(net, images, { units = units, k = 4 }))
  with_path(function(path)
    local o = { units = units, k = 4, state = path, count = 10, every = 3 }
    t.eq(xai.patches(net, images, o).seen, 10)
    o.count = nil
    local found = xai.patches(net, images, o)
    t.eq({ found.seen, tostring(found) }, { 23, want })
    t.eq(tostring(xai.patches(net, images, o)), want) -- nothing is left to do
  end)
  with_path(function(path) -- a function gives them once, and again from its beginning
    local function giver()
      local i = 0
      return function()
        i = i + 1
        return images[i]
      end
    end
    xai.patches(net, giver(), { units = units, k = 4, state = path, count = 10 })
    local found = xai.patches(net, giver(), { units = units, k = 4, state = path })
    t.eq(found.seen, 23)
    t.fails(function() return found[1][1].image end, "came from a function")
    found:collect(giver(), { found[1].unit })
    t.eq({ found[1][1].image:size() }, { 5, 5 })
    t.eq(tostring(found), want)
  end)
  xai.quiet(false)
end)

test("a folder is gone through, and what cannot be read is left out", function(t)
  if not pcall(require, "xai.images") then t.skip "this build has no xai.images" end
  xai.quiet(true)
  local net <close> = noise()
  local folder, pictures = os.tmpname(), {}
  os.remove(folder)
  core.make_dir(folder)
  for i, name in ipairs { "a", "c" } do
    pictures[i] = xai.image(xai.tensor(xai.randn(9, 9, 3):clamp(0, 1) * 200, "uint8"))
    pictures[i]:write(("%s/%s.png"):format(folder, name))
  end
  core.write_text(folder .. "/b.png", "no picture")
  local state = folder .. "/state.safetensors"
  local found = xai.patches(net, folder, { units = "two", k = 2, state = state })
  local want = xai.patches(net, pictures, { units = "two", k = 2 })
  for i, list in ipairs(want) do
    for n, p in ipairs(list) do
      local q = found[i][n]
      t.eq({ q.activation, q.index, q.name, q.row, q.column },
        { p.activation, p.index == 1 and 1 or 3, p.index == 1 and "a.png" or "c.png", p.row, p.column })
    end
  end
  t.eq(xai.patches(net, folder, { units = "two", k = 2, state = state }).seen, 3)
  pictures[1]:write(folder .. "/d.png")
  t.fails(function() xai.patches(net, folder, { units = "two", k = 2, state = state }) end, "was made with other pictures")
  for name in ("a b c d state"):gmatch "%S+" do os.remove(("%s/%s"):format(folder, name == "state" and "state.safetensors" or name .. ".png")) end
  os.remove(folder)
  xai.quiet(false)
end)

test("an interrupt keeps what there is, and the next call goes on", function(t)
  xai.quiet(true)
  local net <close>, images = noise()
  local want = tostring(xai.patches(net, images, { units = "two" }))
  with_path(function(path)
    local i = 0
    local found = xai.patches(net, function()
      i = i + 1
      if i == 8 then io.popen("kill -INT $PPID"):close() end
      return images[i]
    end, { units = "two", state = path })
    if not found.stopped then t.skip "interrupts are ignored here" end
    t.ok(found.seen >= 7 and found.seen < 23, found.seen)
    t.ok(tostring(found):find("interrupted", 1, true))
    t.eq(tostring(xai.patches(net, images, { units = "two", state = path })), want)
  end)
  xai.quiet(false)
end)

test("a state that another network, other units or other pictures have left is refused", function(t)
  xai.quiet(true)
  local net <close>, images = noise()
  with_path(function(path)
    local function go(n, set, changes)
      local o = { units = "two", k = 3, state = path }
      for key, value in pairs(changes or {}) do o[key] = value end
      return function() xai.patches(n, set, o) end
    end
    go(net, images)()
    local other <close> = net:with { weights = { one = "random" } }
    t.fails(go(other, images), "was made with other weights or another network")
    t.fails(go(net, images, { units = "one" }), "was made with other units")
    t.fails(go(net, images, { k = 4 }), "was made with other k")
    t.fails(go(net, { images[2] }), "has seen 23 pictures, but there are 1")
    local others = table.move(images, 1, 22, 1, {})
    others[23] = images[1]
    t.fails(go(net, others), "number 23 is another")
    xai.write(path, { x = xai.zeros(3) })
    t.fails(go(net, images), "is no state of xai.patches")
    t.fails(go(net, images, { state = "state.npz" }), "ends in .safetensors")
  end)
  xai.quiet(false)
end)

test("what excited the unit is traced back through the same patch", function(t)
  local net <close> = tiny.load()
  local p = xai.patches(net, { picture(9, 2, 4) }, { units = "pool1:1" }) "pool1:1"[1]
  -- the gradient is 1 at the bright pixel and 0 elsewhere: white there, grey around it
  local img = p:trace()
  t.eq({ img:size() }, { 4, 4 })
  t.eq({ (img:get(3, 3)), (img:get(1, 2)), (img:get(1, 1)) }, { 255, 128, 214 })
  t.eq(img.bar.facts.method, "guided_backprop")
  t.eq(p:trace "deconvnet".bar.facts.method, "deconvnet")
  t.eq({ (p:trace "saliency":get(3, 3)) }, { 255 })
  t.fails(function() p:trace "gess" end, "no method 'gess'")
end)

test("what is no unit, no set or no option is refused", function(t)
  local net <close> = tiny.load()
  local x = { picture(1, 1, 1) }
  t.fails(function() xai.patches(net, x, { units = "conv1:1:2:2" }) end, "names a place")
  t.fails(function() xai.patches(net, x, { units = "conv1:3" }) end, "has 2 channels")
  t.fails(function() xai.patches(net, x, { units = {} }) end, "units: expected")
  t.fails(function() xai.patches(net, x, { units = "con1" }) end, "did you mean 'conv1'?")
  t.fails(function() xai.patches(net, x, { layer = "conv1" }) end, "unknown option 'layer'")
  t.fails(function() xai.patches(net, x[1]) end, "images: expected a list")
  t.fails(function() xai.patches(net, {}) end, "there is no picture in it")
  t.fails(function() xai.patches(net, { 5 }) end, "picture 1: expected a picture")
  t.fails(function() xai.patches(net, x, { k = 0 }) end, "k: expected a whole number")
end)

done()
