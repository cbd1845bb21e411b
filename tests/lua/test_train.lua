-- Training from Lua: the loop, its options, and what it says when something does not fit.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local xai = require "xai"
local core = require "xai.core"
local b = require "xai.build"

--- Stripes across (class 0) or along (class 1) under noise: n pictures 1 x 8 x 8.
local function stripes(n, seed)
  xai.seed(seed)
  local noise, pictures, ids = xai.randn(n, 1, 8, 8), {}, {}
  for i = 1, n do
    local p = {}
    for r = 1, 8 do
      p[r] = {}
      for c = 1, 8 do p[r][c] = ((i % 2 == 0 and r or c) + i // 2) % 2 * 2 - 1 end
    end
    pictures[i], ids[i] = { p }, i % 2
  end
  xai.seed(0)
  return { x = xai.tensor(pictures) + noise, y = ids }
end

local function small()
  return b.net("small", b.seq { "conv1", b.conv { 8, k = 3, pad = 1, bias = false }, "bn1", b.bn, "relu1", b.relu, "pool1", b.maxpool { 2 },
    "gap", b.gap, "flatten", b.flatten, "drop", b.dropout { 0.2 }, "fc", b.linear { 2 } }, { input = { 1, 8, 8 }, weights = "fill" })
end

local function difference(a, c)
  local worst = 0
  for _, layer in ipairs { "conv1", "fc" } do worst = math.max(worst, (a:weight(layer) - c:weight(layer)):abs():max()) end
  return worst
end

local USUAL = { epochs = 6, batch = 16, init = "he", lr = 0.05, nesterov = true, seed = 5, schedule = { "cosine", warmup = 0.1 },
  augment = { flip = true, crop = 1, erase = 0.2, brightness = 0.1, contrast = 0.1 } }
local function usual(more)
  local o = {}
  for key, value in pairs(USUAL) do o[key] = value end
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

test("two kinds of stripes are told apart after a few epochs", function(t)
  local net, data, fresh = small(), stripes(256, 1), stripes(100, 2)
  local trained, history = xai.train(net, data, usual { epochs = 10, augment = { flip = true }, validate = fresh })
  t.eq(#history, 10)
  t.eq(history[10].step, 160)
  t.ok(history[10].validation_accuracy > 0.95, "accuracy " .. history[10].validation_accuracy)
  t.ok(history[10].loss < history[1].loss / 2)
  t.ok(trained:predict(fresh.x, 1)[1].id == fresh.y[1])
  t.eq(difference(net, small()), 0)
end)

test("the same seed gives the same training, with any number of threads", function(t)
  local data, threads = stripes(64, 1), xai.threads()
  local one = xai.train(small(), data, usual())
  t.eq(difference(one, (xai.train(small(), data, usual()))), 0)
  xai.threads(threads == 1 and 2 or 1)
  t.eq(difference(one, (xai.train(small(), data, usual()))), 0)
  xai.threads(threads)
  t.ok(difference(one, (xai.train(small(), data, usual { seed = 6 }))) > 0)
end)

test("a training that was interrupted goes on to the same bits and the same history", function(t)
  local data, path = stripes(64, 1), os.tmpname()
  os.remove(path)
  local whole, rows = xai.train(small(), data, usual { every = 3, optimiser = "adamw", lr = 0.01 })
  local stop = usual { every = 3, optimiser = "adamw", lr = 0.01, checkpoint = path }
  stop.on_step = function(step) if step == 10 then error "enough" end end
  t.fails(function() xai.train(small(), data, stop) end, "enough")
  stop.on_step = nil
  local resumed, again = xai.train(small(), data, stop)
  t.eq(difference(whole, resumed), 0)
  t.eq(again, rows)
  local finished, still = xai.train(small(), data, stop) -- there is nothing left to do
  t.eq(difference(whole, finished), 0)
  t.eq(still, rows)
  stop.seed = 7
  t.fails(function() xai.train(small(), data, stop) end, "its seed is 5 (expected 7)")
  stop.resume = false
  xai.train(small(), data, stop)
  os.remove(path)
end)

test("a trainer is a loop of one's own", function(t)
  local net, data = small(), stripes(16, 1)
  local trainer = xai.trainer(net, { optimiser = "adam", lr = 0.01, seed = 1 })
  t.eq(trainer.steps, 0)
  t.eq(trainer.params, 72 + 16 + 18) -- 8 kernels 3x3, scale and bias of 8, 2 x 8 weights and 2 biases
  local loss, correct, norm = trainer:step(data.x, data.y, { lr = 0 })
  t.ok(loss > 0 and correct >= 0 and correct <= 16 and norm > 0)
  t.eq(difference(trainer:net(), net), 0)
  for _ = 1, 30 do trainer:step(data.x, data.y) end
  t.eq(trainer.steps, 31)
  local after, right = trainer:test(data.x, data.y)
  t.ok(after < loss and right >= 15)
  local z = trainer:net():logits(data.x)
  local hits = 0
  for i = 1, 16 do hits = hits + ((z:get(i, 2) > z:get(i, 1) and 1 or 0) == data.y[i] and 1 or 0) end
  t.eq(hits, right)
  local result = xai.trainer(xai.model("lenet5", { labels = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" } })):net()
  t.eq(result:label(3), "3")
  t.ok(not tostring(trainer:net()):find "replaced")
  t.eq(tostring(trainer), "trainer of 106 parameters after 31 steps")
end)

test("freeze takes names, modules and patterns", function(t)
  local net, data = small(), stripes(16, 1)
  local function changed(freeze)
    local trainer = xai.trainer(net, { lr = 0.1, freeze = freeze, seed = 1 })
    trainer:step(data.x, data.y)
    local after = trainer:net()
    return { (after:weight "conv1" - net:weight "conv1"):abs():max() > 0, (after:weight "fc" - net:weight "fc"):abs():max() > 0 }
  end
  t.eq(changed(nil), { true, true })
  t.eq(changed { "conv1" }, { false, true })
  t.eq(changed "fc", { true, false })
  t.eq(changed { "^conv%d$" }, { false, true })
  t.fails(function() changed { "conf1" } end, "conv1")
  t.fails(function() changed { "conv1", "bn1", "fc" } end, "all layers that have parameters are frozen")
end)

test("weights begin as they are asked to", function(t)
  local function start(options) return xai.trainer(small(), options):net():weight "conv1" end
  local plain, tenth = start { init = "he", seed = 3 }, start { init = "he", seed = 3, init_scale = { conv1 = 0.1 } }
  t.near(tenth, plain * 0.1, 1e-7)
  t.near(start {}, small():weight "conv1", 0)
  t.near(start { init_scale = { conv1 = 2 } }, small():weight "conv1" * 2, 1e-7)
end)

test("data come from tensors, functions and objects", function(t)
  local data = stripes(64, 1)
  local calls = {}
  local function rows(first, n)
    calls[#calls + 1] = first
    local ids = {}
    for i = 1, n do ids[i] = data.y[(first + i - 2) % 64 + 1] end
    local order = core.permuted(64, nil, 0)
    return core.rows(data.x, order, (first - 1) % 64 + 1, n), ids
  end
  local plain = usual { shuffle = false, augment = false, epochs = 2 }
  local same = xai.train(small(), data, plain)
  plain.epochs = nil
  plain.steps = 8
  t.eq(difference(same, (xai.train(small(), rows, plain))), 0)
  t.eq(calls, { 1, 17, 33, 49, 65, 81, 97, 113 })
  local object = setmetatable({ batch = function(_, first, n)
    local x, y = rows(first, n)
    local shares = {}
    for i, id in ipairs(y) do shares[i] = { 1 - id, id } end
    return x, y, xai.tensor(shares)
  end }, { __len = function() return 64 end })
  t.eq(difference(same, (xai.train(small(), object, plain))), 0)
  plain.soft = true
  t.eq(difference(same, (xai.train(small(), object, plain))), 0)
end)

test("scenes are data as they are, made into inputs as the network has it", function(t)
  local found, set = pcall(xai.scenes, { seed = 5, size = 16, classes = { "fox", "clock" }, count = 32 })
  if not found then t.skip(set) end
  local function net(preprocess)
    return b.net("eye", b.seq { "conv1", b.conv { 4, k = 3 }, "relu1", b.relu, "gap", b.gap, "flatten", b.flatten,
      "fc", b.linear { 2 } }, { input = { 3, 16, 16 }, weights = "fill", preprocess = preprocess })
  end
  local options = { batch = 8, epochs = 2, lr = 0.1, seed = 1 }
  for _, preprocess in ipairs { "cifar10", { mean = 127.5, std = 64 } } do
    local own = net(preprocess)
    local adapted = setmetatable({ batch = function(_, first, n) return set:batch(first, n, own) end }, { __len = function() return #set end })
    t.eq(difference((xai.train(own, set, options)), (xai.train(own, adapted, options))), 0)
  end
  -- a network of (byte - 127.5) / 64 gets what a batch is without any
  local plain = setmetatable({ batch = function(_, first, n) return set:batch(first, n) end }, { __len = function() return #set end })
  local trained = xai.train(net { mean = 127.5, std = 64 }, set, options)
  t.eq(difference(trained, (xai.train(net(), plain, options))), 0)
  t.eq(trained.preprocess.std, { 64.0, 64.0, 64.0 })
  options.validate = set
  t.ok(select(2, xai.train(net "cifar10", set, options))[2].validation_loss > 0)
end)

test("weights that are all zero would stay so, which is refused with what helps", function(t)
  local data = stripes(16, 1)
  local layers = b.seq { "conv1", b.conv { 2, k = 3 }, "relu1", b.relu, "gap", b.gap, "flatten", b.flatten, "fc", b.linear { 2 } }
  local net = b.net("empty", layers, { input = { 1, 8, 8 }, weights = "none" })
  t.fails(function() xai.train(net, data, { batch = 16 }) end, 'all weights are zero, and no gradient reaches them; let them begin at random: init = "he"')
  t.fails(function() xai.train(net, data, { batch = 16, freeze = "fc" }) end, 'init = "he"')
  local trained = xai.train(net, data, { batch = 16, init = "he" })
  t.ok(trained:weight "conv1":norm() > 0)
  -- a new head alone: its only matrix gets a gradient from the features
  local filled = b.net("headless", layers, { input = { 1, 8, 8 }, weights = function(name, shape)
    return name:find "^conv" and core.fill(name, shape) or core.zeros(shape)
  end })
  t.ok(xai.train(filled, data, { batch = 16, freeze = "conv1", lr = 0.1 }):weight "fc":norm() > 0)
end)

-- y = 3 x1 - x2 + 0.5, without noise
test("numbers can be learnt as well as classes", function(t)
  local net = b.net("line", b.seq { "flatten", b.flatten, "fc", b.linear { 1 } }, { input = { 2, 1, 1 }, weights = "none" })
  local x, y = xai.randn(64, 2, 1, 1), {}
  for i = 1, 64 do y[i] = { 3 * x:get(i, 1, 1, 1) - x:get(i, 2, 1, 1) + 0.5 } end
  local trained = xai.train(net, { x = x, y = xai.tensor(y) }, { loss = "mse", lr = 0.05, epochs = 60, batch = 16, seed = 1 })
  t.near(trained:weight "fc", { { 3, -1 } }, 1e-3)
  t.near(trained:weight("fc", "bias"), { 0.5 }, 1e-3)
end)

test("what does not fit is told before anything begins", function(t)
  local net, data = small(), stripes(8, 1)
  local function fails(message, d, options) t.fails(function() xai.train(net, d, options) end, message) end
  fails("train: data: expected { x =, y = }, a function or an object with batch(first, n), got a number", 3)
  fails("train: data: there is no picture in it", { x = xai.zeros(0, 1, 8, 8), y = {} })
  fails("train: data: 8 pictures and 7 targets", { x = data.x, y = { 0, 0, 0, 0, 0, 0, 0 } })
  fails("target 8: there is no class 5 (the network has 2, from 0 on)", { x = data.x, y = { 0, 0, 0, 0, 0, 0, 0, 5 } }, { shuffle = false })
  fails("unknown option 'epoch' (options:", data, { epoch = 3 })
  fails("train: batch: expected a whole number from 1 on, got 0", data, { batch = 0 })
  fails("schedule: ", data, { schedule = "cosinus" })
  fails("did you mean 'warmup'", data, { schedule = { "cosine", warmpu = 1 } })
  fails("optimiser", data, { optimiser = "sgdd" })
  fails("lr: expected 0 to 1e+06, got -1", data, { lr = -1 })
  fails("did you mean 'flip'", data, { augment = { flop = true } })
  fails("train: steps: expected a number", function() end, {})
  fails("input 'input': wrong shape (expected ?x1x8x8, got 8x2x4x8)", { x = data.x:reshape(8, 2, 4, 8), y = data.y })
  t.fails(function() xai.trainer(net:with { relu = "guided" }) end, "trainer: a network with hooks or another rule")
  t.fails(function() xai.trainer(net):step(data.x, { 0.5 }) end, "targets")
  t.fails(function() xai.trainer(net):load "/no/such/file" end, "/no/such/file")
end)

test("a loss that runs away stops the training and names the step; the last checkpoint is good", function(t)
  local data, path = stripes(64, 1), os.tmpname()
  os.remove(path)
  local net = b.net("wild", b.seq { "conv1", b.conv { 4, k = 3 }, "relu1", b.relu, "conv2", b.conv { 4, k = 3 }, "relu2", b.relu, "gap", b.gap,
    "flatten", b.flatten, "fc", b.linear { 2 } }, { input = { 1, 8, 8 }, weights = "fill" })
  local options = { loss = "mse", steps = 50, batch = 16, lr = 1e5, every = 1, checkpoint = path, seed = 1 }
  local targets = {}
  for i = 1, 64 do targets[i] = { data.y[i], 1 - data.y[i] } end
  t.fails(function() xai.train(net, { x = data.x, y = xai.tensor(targets) }, options) end, "step ")
  local trainer = xai.trainer(net, { loss = "mse", lr = 1e5, seed = 1 })
  if core.exists(path) then
    trainer:load(path)
    t.ok(trainer:net():weight "fc":norm() < math.huge)
  end
  os.remove(path)
end)

done()
