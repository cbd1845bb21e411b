-- The fast way of a pass against the plain one: every architecture of the zoo, made narrow, with layers kept, hooked and asked
-- for at random. Folding, fusing and blocks must not show but by rounding.
local here = arg[0]:gsub("[^/]*$", "")
local test, done, architectures = table.unpack(dofile(here .. "tap.lua"))
local core = require "xai.core"
local xai = require "xai"

-- ---- chance: the same on every machine
local state
local function below(n)
  state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
  return (state >> 33) % n
end
local function pick(list) return list[1 + below(#list)] end

-- ---- networks and ways
local fixed = { alexnet = 224, caffenet = 227, zfnet = 224, nin = 224, lenet5 = 32, all_cnn_c = 32, inception_v3 = 107 }
local function made(name)
  local size = fixed[name] or name:find "vgg" and 224 or 64
  return xai.zoo[name] { weights = "fill", width = 0.125, classes = 7, size = size }
end

--- n pictures; other ones for another name
local function pictures(net, n, name)
  local c, h, w = tostring(net.input):match "x(%d+)x(%d+)x(%d+)$"
  return core.fill(name .. ".bias", { n, tonumber(c), tonumber(h), tonumber(w) }) * 10
end

--- fn() with plain kernels, then as it is.
local function both(fn)
  core.reference(true)
  local ok, want = pcall(fn)
  core.reference(false)
  if not ok then error(want, 0) end
  return want, fn()
end

--- How far apart, and whether the direction is the same all the same.
local function distance(want, got)
  local cosine = (got * want):sum() / (got:norm() * want:norm() + 1e-30)
  return (got - want):norm() / (want:norm() + 1e-30), cosine >= 0.9998
end

--- Either way is allowed 2e-5 of what it should be.
local function same_activation(t, name, want, got)
  t.eq(tostring(got:shape()), tostring(want:shape()), name)
  local e = distance(want, got)
  t.ok(e <= 4e-5, ("%s: relative error %.3g"):format(name, e))
end

local function layers_of(net)
  local names = {}
  for i, layer in ipairs(net:layers()) do names[i] = layer.name end
  return names
end

local function some(names, most)
  local list = {}
  for i = 1, 1 + below(most) do list[i] = pick(names) end
  return list
end

-- ---- the questions

local function kept_layers(t, net, names, x)
  local keep = some(names, 6)
  local want, got = both(function()
    local run, values = net:run(x, { keep = keep }), {}
    for i, name in ipairs(keep) do values[i] = run:get(name) end
    return values
  end)
  for i, name in ipairs(keep) do same_activation(t, name, want[i], got[i]) end
end

--- The gradient between two layers, if the one depends on the other, and what was kept beside it.
local function gradient(net, x, q)
  local run = net:run(x, { keep = q.keep })
  local seed = core.fill("seed.weight", { table.unpack(run:get(q.at):shape()) })
  local ok, g = pcall(run.backward, run, { seed = seed, at = q.at, to = q.to, relu = q.rule })
  if not ok and not tostring(g):find "does not depend" then error(g, 0) end
  return { found = ok, gradient = ok and g, kept = run:get(q.keep[1]) }
end

--- Where a rectifier or a maximum is within rounding of its bend, either side is right: then other pictures are asked.
local function gradients(t, net, names, n, title)
  local q = { at = below(2) == 0 and names[#names] or pick(names), to = below(2) == 0 and "input" or pick(names) }
  q.rule, q.keep = pick { "plain", "guided", "deconv", "redirected" }, some(names, 3)
  q.keep[#q.keep + 1] = q.at
  local what, worst
  for try = 1, 3 do
    local x = pictures(net, n, title .. try)
    local want, got = both(function() return gradient(net, x, q) end)
    what = ("%s from %s to %s"):format(q.rule, q.at, q.to)
    t.eq(got.found, want.found, what)
    same_activation(t, q.keep[1], want.kept, got.kept)
    if not want.found then return end
    t.eq(tostring(got.gradient:shape()), tostring(want.gradient:shape()), what)
    local e, straight = distance(want.gradient, got.gradient)
    if e <= 1e-4 or straight then return end
    worst = e
  end
  error(("%s: relative error %.3g"):format(what, worst))
end

local function hooked(net, names)
  local a, b = pick(names), pick(names)
  return net:with {
    hooks = { [a] = function(v) return v * 1.25 + 0.01 end },
    grad_hooks = { [b] = function(g, v) return v and g * 0.5 or g * 2 end },
  }
end

local function replaced(net)
  local with_weights = {}
  for _, layer in ipairs(net:layers()) do
    if layer.op == "Conv" or layer.op == "Gemm" or layer.op == "BatchNormalization" then with_weights[#with_weights + 1] = layer.name end
  end
  local name = pick(with_weights)
  return net:with { weights = { [name] = net:weight(name) * 0.75 } }
end

local names = architectures()

for index, name in ipairs(names) do
  test(name .. ": what is kept, hooked or asked for is the same either way", function(t)
    state = 1000 + index
    local net = made(name)
    local layers = layers_of(net)
    for round, n in ipairs { 1, 3, 1 } do
      kept_layers(t, net, layers, pictures(net, n, "x" .. round))
      gradients(t, net, layers, n, "y" .. round)
    end
    for _, view in ipairs { hooked(net, layers), replaced(net), hooked(replaced(net), layers) } do
      kept_layers(t, view, layers, pictures(net, 1, "x"))
      gradients(t, view, layers, 1, "y")
    end
  end)
end

-- ---- memory

--- Arrays of different sizes leave gaps; more than a third of what is needed would be bad luck or a bad layout.
for _, name in ipairs(names) do
  test(name .. ": an arena is hardly larger than what is alive at one time", function(t)
    local net = made(name)
    for _, n in ipairs { 1, 4 } do
      local x, score = pictures(net, n, "x"), layers_of(net)
      score = score[#score]
      local run = net:run(x, { keep = { score } })
      for _, way in ipairs { "forward", "back" } do
        local seed = core.fill("seed.weight", { table.unpack(run:get(score):shape()) })
        if way == "back" then run:backward { seed = seed, at = score } end
        local bytes, alive = core.arena(run)
        t.ok(alive <= bytes and bytes <= 1.3 * alive, ("%s, %d pictures: %d bytes for %d"):format(way, n, bytes, alive))
      end
    end
  end)
end

-- ---- bits

test("any number of threads and any company in a batch give the same bits", function(t)
  local threads = core.threads()
  for _, name in ipairs { "densenet121", "googlenet", "mobilenet_v2", "resnet18", "resnext50_32x4d" } do
    local net = xai.zoo[name] { weights = "fill", width = 0.5, classes = 7, size = 64 }
    local three, alone = pictures(net, 3, "x"), nil
    local q = { at = "input", to = "input", rule = "plain", keep = {} }
    local names = layers_of(net)
    q.at, q.keep = names[#names], { names[1 + #names // 2], names[#names] }
    local first
    for _, n in ipairs { 1, 2, 4 } do
      core.threads(n)
      local got = gradient(net, three, q)
      first = first or got
      t.eq((got.gradient - first.gradient):norm(), 0, name)
      t.eq((got.kept - first.kept):norm(), 0, name)
    end
    core.threads(threads)
    local c, h, w = table.unpack(three:shape(), 2)
    alone = gradient(net, three:reshape(3, c * h * w)[2]:reshape(1, c, h, w), q)
    local size = #alone.kept:reshape(-1)
    t.eq((first.kept:reshape(3, size)[2] - alone.kept:reshape(size)):norm(), 0, name .. " alone")
  end
end)

done()
