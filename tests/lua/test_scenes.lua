-- xai.scenes: what a scene says of itself agrees with its masks; options; composing.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local xai = require "xai"

local found, trouble = pcall(xai.scenes, { classes = { "fox" } })
local function drawn(name, fn)
  test(name, function(t)
    if not found then t.skip(trouble) end
    fn(t)
  end)
end

--- The smallest box around the ones of a mask, counted here, and how many there are.
local function box_of(mask)
  local x0, y0, x1, y1, n = math.huge, math.huge, 0, 0, 0
  for y, row in ipairs(mask:totable()) do
    for x, v in ipairs(row) do
      if v == 1 then
        x0, y0, x1, y1, n = math.min(x0, x), math.min(y0, y), math.max(x1, x), math.max(y1, y), n + 1
      else
        assert(v == 0)
      end
    end
  end
  return { x = x0, y = y0, w = x1 - x0 + 1, h = y1 - y0 + 1 }, n
end

drawn("boxes are tight around masks, masks do not overlap, the label is the largest object's", function(t)
  local set = xai.scenes { seed = 3, size = { 80, 64 }, objects = { 1, 4 }, more = 0.8, occluders = 0.5, count = 25 }
  for i, scene in ipairs(set) do
    t.eq({ scene.image:size() }, { 80, 64 })
    local all, most, label = xai.zeros(64, 80), 0, nil
    for _, object in ipairs(scene.objects) do
      local box, n = box_of(object.mask)
      t.eq(object.box, box, "scene " .. i)
      t.eq({ object.mask:dtype(), object.mask:shape() }, { "uint8", { 64, 80 } })
      t.eq(object.class, set.classes[object.label + 1])
      t.ok(object.visible >= 0.6, "too much is hidden")
      if n > most then most, label = n, object.label end
      all = all + object.mask
    end
    t.ok(all:max() == 1, "two objects own a pixel")
    t.eq(scene.label, label)
    t.eq(scene.class, set.classes[label + 1])
  end
  t.eq(#set, 25)
  t.eq(set[26], nil)
  t.eq(set[0], nil)
end)

drawn("a batch holds the bytes of its scenes, by any number of threads", function(t)
  local set, threads = xai.scenes { seed = 9, size = 24, objects = { 1, 2 }, more = 0.5, count = 50 }, xai.threads()
  for _, n in ipairs { 1, 2, 4 } do
    xai.threads(n)
    local x, labels, shares = set:batch(11, 5, { mean = 100, scale = 2 })
    t.eq(x:shape(), { 5, 3, 24, 24 })
    t.eq({ labels:dtype(), shares:shape() }, { "int64", { 5, 24 } })
    for i = 1, 5 do
      local scene = set[10 + i]
      t.eq(labels[i], scene.label)
      local visible = 0
      for _, object in ipairs(scene.objects) do visible = visible + object.mask:sum() end
      for _, object in ipairs(scene.objects) do
        t.near(shares:get(i, object.label + 1), object.mask:sum() / visible, 1e-6)
      end
      for _, at in ipairs { { 1, 1 }, { 7, 20 }, { 24, 24 } } do
        local rgb = { scene.image:get(at[1], at[2]) }
        for k = 1, 3 do t.eq(x:get(i, k, at[2], at[1]), (rgb[k] - 100) / 2) end
      end
    end
  end
  xai.threads(threads)
end)

drawn("a batch for a network is what the network makes of the pictures", function(t)
  local set = xai.scenes { seed = 9, size = 32, count = 6 }
  local ways = { "cifar10", "caffe", "none", { order = "bgr", scale = 0.5, mean = { 1, 2, 3 }, std = { 4, 5, 6 } } }
  for channels = 1, 3, 2 do
    for _, preprocess in ipairs(ways) do
      local net = xai.zoo.resnet20 { weights = "none", in_channels = channels, preprocess = preprocess }
      local x = set:batch(3, 2, net)
      t.eq(x:shape(), { 2, channels, 32, 32 })
      for i = 1, 2 do t.eq((x[i] - net:prepare(set[2 + i].image)[1]):abs():max(), 0) end
    end
  end
  local net = xai.zoo.resnet20 { weights = "none", size = 48 }
  t.fails(function() set:batch(1, 1, net) end, "scenes:batch: scenes of 32x32 do not fit the network's input ?x3x48x48")
end)

drawn("the same seed gives the same pictures, another one others; without one it is xai.seed()", function(t)
  local function picture(seed) return xai.scenes { seed = seed, size = 32 }[2].image:tensor():totable() end
  local before = xai.seed()
  xai.seed(41)
  local own = picture()
  xai.seed(before)
  t.eq(own, picture(41))
  t.ok(not pcall(t.eq, own, picture(42)), "two seeds, one picture")
end)

drawn("labels are positions in the list of classes, also where some have no held-out drawing", function(t)
  local classes = { "umbrella", "fox", "bird" }
  local set = xai.scenes { classes = classes, drawings = "held-out", size = 16, count = 40 }
  t.eq(set.classes, classes)
  local seen = {}
  for _, scene in ipairs(set) do
    seen[scene.class] = scene.label
    t.ok(scene.objects[1].drawing > xai.scenes.drawings(scene.class, "train"), "a drawing for training")
  end
  t.eq(seen, { umbrella = 0, bird = 2 })
end)

drawn("what hides an object of a composed scene is taken from its mask", function(t)
  local function compose(...)
    return xai.scenes.compose { size = 120, seed = 1, background = "plain", colours = { { 200, 200, 200 }, { 90, 90, 90 } },
      objects = { ... } }
  end
  local ball, house = { class = "ball", x = 50, y = 60, size = 60 }, { class = "house", x = 80, y = 60, size = 60, rotation = 5 }
  local alone, both, turned = compose(ball), compose(ball, house), compose(house, ball)
  t.near(alone.objects[1].visible, 1, 0.02)
  local _, whole = box_of(alone.objects[1].mask)
  local _, part = box_of(both.objects[1].mask)
  t.ok(part < 0.8 * whole, "the house hides nothing")
  t.eq((turned.objects[2].mask * 1 - alone.objects[1].mask):abs():max(), 0)
  t.eq({ both.objects[1].class, both.objects[2].class }, { "ball", "house" })
  t.eq({ xai.scenes.classes()[both.objects[2].label + 1], xai.scenes.classes()[alone.label + 1] }, { "house", "ball" })
  -- behind something larger: no box, an empty mask
  local hidden = compose({ class = "ball", x = 60, y = 60, size = 10 }, { class = "clock", x = 60, y = 60, size = 90 })
  t.eq(hidden.objects[1].box, nil)
  t.eq({ hidden.objects[1].mask:max(), hidden.objects[1].visible }, { 0, 0 })
  t.eq(#xai.scenes.compose { size = 16 }.objects, 0)
end)

-- The middle pixel of a picture of 101 is the 51st: a clock there has it in the middle of its box.
drawn("positions count from 1", function(t)
  local box = xai.scenes.compose { size = 101, objects = { { class = "clock", x = 51, y = 51, size = 41 } } }.objects[1].box
  t.near(box.x + (box.w - 1) / 2, 51, 0.5)
  t.near(box.y + (box.h - 1) / 2, 51, 0.5)
  t.near(box.w, 41, 2)
end)

drawn("objects that make no sense are refused by what is wrong with them", function(t)
  local function fails(object, text) t.fails(function() xai.scenes.compose { objects = { object } } end, text) end
  fails({ class = "kat" }, "there is no class 'kat'; did you mean 'cat'?")
  fails({ class = "cat", drawing = 9 }, "object 1: there are 8 drawings of 'cat'")
  fails({ class = "cat", size = 1 }, "expected a size from 4")
  fails({ class = "cat", seize = 1 }, "unknown option 'seize'")
  fails({}, "objects[1]: expected a table with a class")
  t.fails(function() xai.scenes.compose { colours = { { 1, 2, 3 } } } end, "colours: expected a list of two")
  t.fails(function() xai.scenes.compose { background = "nois" } end, "did you mean 'noise'?")
end)

drawn("options that make no sense are refused by name", function(t)
  t.fails(function() xai.scenes { size = 15 } end, "scenes: size: expected sides of 16 to 2048, got 15x15")
  t.fails(function() xai.scenes { sise = 15 } end, "scenes: unknown option 'sise'")
  t.fails(function() xai.scenes { objects = { 3, 2 } } end, "scenes: objects: expected 1 to 4, got 3 to 2")
  t.fails(function() xai.scenes { occluders = 2 } end, "scenes: occluders: expected a number from 0 to 1")
  t.fails(function() xai.scenes { drawings = "held" } end, "expected one of train, held-out, all")
  t.fails(function() xai.scenes { classes = {} } end, "classes: expected 1 to 24 names")
  t.fails(function() xai.scenes { classes = { "fox" }, drawings = "held-out" } end, "held-out drawings")
  local set = xai.scenes { size = 16, count = 10 }
  t.fails(function() set:batch(8, 4) end, "scenes:batch: n: expected an integer from 1 to 3, got 4")
  t.fails(function() set:batch(1, 1, { scale = 0 }) end, "scale: expected a number other than 0")
  t.fails(function() set:batch(1, 1, { mean = 0 / 0 }) end, "mean: expected a finite number")
  t.fails(function() set:batch(1, 1, 3) end, "scenes:batch: ")
end)

test("a missing font is one line that names the package", function(t)
  t.fails(function() xai.scenes { font = "nowhere/emoji.ttf" } end,
    "scenes: no colour emoji font nowhere/emoji.ttf; please install the package fonts-noto-color-emoji")
end)

test("there are 24 classes, some with drawings that are held out", function(t)
  t.eq(#xai.scenes.classes(), 24)
  t.eq({ xai.scenes.drawings "dog", xai.scenes.drawings("dog", "train"), xai.scenes.drawings("dog", "held-out") }, { 4, 3, 1 })
  t.fails(function() xai.scenes.drawings "dgo" end, "did you mean 'dog'?")
end)

test("the example pictures are a set to score with, at any size", function(t)
  local set, half = xai.scenes.examples(), xai.scenes.examples { size = 112 }
  t.eq({ #set, #half }, { 14, 14 })
  for i, scene in ipairs(set) do
    t.eq({ scene.image:size() }, { 224, 224 })
    t.eq({ half[i].image:size() }, { 112, 112 })
    for k, object in ipairs(scene.objects) do
      local a, b = object.box, half[i].objects[k].box -- every pixel of the one lies in the other
      t.eq({ (a.x - 1) // 2 + 1, (a.y - 1) // 2 + 1 }, { b.x, b.y })
      t.eq({ (a.x + a.w - 2) // 2 + 1, (a.y + a.h - 2) // 2 + 1 }, { b.x + b.w - 1, b.y + b.h - 1 })
    end
  end
end)

test("the masks of the example pictures fill their boxes, at any size", function(t)
  for _, size in ipairs { 224, 96 } do
    local scene = xai.scenes.examples { size = size, masks = true }[14]
    t.eq({ scene.name, #scene.objects }, { "three_dogs", 3 })
    for _, object in ipairs(scene.objects) do
      local left, top, right, bottom = math.huge, math.huge, 0, 0
      for y, row in ipairs(object.mask:totable()) do
        for x, seen in ipairs(row) do
          if seen == 1 then left, top, right, bottom = math.min(left, x), math.min(top, y), math.max(right, x), math.max(bottom, y) end
        end
      end
      local box, slack = object.box, size == 224 and 0 or 1
      t.near({ left, top, right, bottom }, { box.x, box.y, box.x + box.w - 1, box.y + box.h - 1 }, slack)
    end
  end
end)

test("the example pictures and what is said of them fit together", function(t)
  local folder = os.getenv "XAI_SOURCE" .. "/examples/images/"
  for name, scene in pairs(dofile(folder .. "scenes.lua")) do
    local img, mask = xai.image(folder .. name .. ".png"), xai.image(folder .. name .. "-mask.png")
    t.eq({ img:size() }, { mask:size() })
    for k, object in ipairs(scene.objects) do
      local b = object.box
      local inside = mask:crop(b.x, b.y, b.w, b.h):tensor():totable()
      local edge = { false, false, false, false } -- the object touches all four sides of its box
      for y, row in ipairs(inside) do
        for x, rgb in ipairs(row) do
          if rgb[1] == 60 * k then
            edge[1], edge[2], edge[3], edge[4] = edge[1] or x == 1, edge[2] or y == 1, edge[3] or x == b.w, edge[4] or y == b.h
          end
        end
      end
      t.eq(edge, { true, true, true, true }, name .. ": " .. object.class)
    end
  end
end)

done()
