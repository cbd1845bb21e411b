-- bench/worker.lua FOLDER: xairun's side of a comparison; bench/bench.lua starts it and talks to it in lines:
--   make NET         writes FOLDER/NET.onnx                          -> ok
--   make N x D       writes N points of D numbers, FOLDER/NxD.npy    -> ok (a "net" of the embed tasks; written without spaces)
--   setup TASK NET   gets ready, runs once                           -> ready FLOP BYTES | skip REASON
--                    TASK may be forward-NxS: N pictures of S x S
--   run N            N runs                                          -> milliseconds of each
-- FLOP is what computing all of it directly would take (2 for a product with its sum; 0: not counted), BYTES the size of the
-- parameters. bench/peer_torch.py, peer_ort.js and peer_sklearn.py answer the same lines.
local xai = require "xai"
package.path = arg[0]:match "^(.-)[^/]*$" .. "?.lua;" .. package.path
local FOLDER, CLASS = arg[1], 5

--- Products with weights in one pass, twice.
local function flop(net)
  local sum = 0
  for _, layer in ipairs(net:layers()) do
    if layer.op == "Conv" or layer.op == "Gemm" or layer.op == "MatMul" then
      local product = 2
      for d = 2, #layer.shape do product = product * layer.shape[d] end -- positions; shapes are of one picture
      for _, dim in ipairs(net:weight(layer.name):shape()) do product = product * dim end
      sum = sum + product
    end
  end
  return sum
end

local function channels_of(net, name)
  for _, layer in ipairs(net:layers()) do
    if layer.name == name then return layer.shape[1] end
  end
end

--- A method by name: what is run, and how many passes forward and backward it would take to compute directly.
local function method(name, passes, options)
  return function(net, x)
    local exists, explain = pcall(function() return xai[name] end)
    if not exists or not explain then return nil, "there is no xai." .. name end
    options.target = CLASS
    local e = explain(net, x, options)
    return function() explain(net, x, options) end, type(passes) == "function" and passes(net, e) or passes
  end
end

local tasks = {
  forward = function(net, x) return function() net:forward(x) end, 1 end,
  gradient = method("saliency", 2, {}),
  guided = method("guided_backprop", 2, {}),
  gradcam = method("gradcam", 1, {}),
  occlusion = method("occlusion", 626, { window = 32, stride = 8, score = "prob" }),
  ["occlusion-logit"] = method("occlusion", 626, { window = 32, stride = 8, score = "logit" }),
  smoothgrad = method("smoothgrad", 100, { samples = 50 }),
  integrated_gradients = method("integrated_gradients", 100, { steps = 50 }),
  scorecam = method("scorecam", function(net, e) return 1 + channels_of(net, e.layer) end, {}),
  load = function(_, x, path) return function() xai.load(path):forward(x) end, 1 end,
}

--- A pass forward of N pictures of another size.
local function growth(net, n, side)
  local x = xai.randn(n, 3, side, side)
  return function() net:forward(x) end, n
end

local function train()
  local net = require "xai.build".net("small", require "networks".small, { input = { 3, 96, 96 }, weights = "none" })
  local trainer = xai.trainer(net, { init = "he", lr = 0.01, momentum = 0.9, seed = 1 })
  local x, y = xai.randn(64, 3, 96, 96), {}
  for i = 1, 64 do y[i] = i % net.classes end
  return net, function() trainer:step(x, y) end, 3 * 64 -- forward, to the input, to the weights
end

--- Features of a random network: 32 clusters, and a spectrum that falls.
local function points(n, d)
  xai.seed(1)
  local b = require "xai.build"
  local layers = b.seq { "flatten", b.flatten, "in", b.linear { 256 }, "relu", b.relu, "out", b.linear { d } }
  local net = b.net("points", layers, { input = { 5, 1, 1 }, weights = "fill" })
  local y = net:forward((xai.randn(n, 5, 1, 1) * 100):clamp(-1, 1) + xai.randn(n, 5, 1, 1) * 0.3)
  return y / y:norm() * math.sqrt(n * d) + xai.randn(n, d) * 0.3
end

local embed = {
  tsne = function(x) return function() xai.tsne(x, { iterations = 1000 }):free() end, 0 end,
  neighbours = function(x, n, d) return function() xai.neighbours(x, { k = 10 }) end, 2 * n * n * d end,
  pca = function(x) return function() xai.pca(x, { dims = 50, solver = "randomised" }) end, 0 end,
}

local net, loaded, job, last
local answer = {}

function answer.make(name)
  net, loaded, job = nil, nil, nil
  collectgarbage()
  local n, d = name:match "^(%d+)x(%d+)$"
  if n then
    xai.write(("%s/%s.npy"):format(FOLDER, name), points(tonumber(n), tonumber(d)))
    return "ok"
  end
  xai.zoo[name] { weights = "fill" }:save(("%s/%s.onnx"):format(FOLDER, name))
  return "ok"
end

function answer.setup(task, name)
  local subject, passes, path = nil, nil, ("%s/%s.onnx"):format(FOLDER, name)
  if embed[task] then
    local x, work = xai.read(("%s/%s.npy"):format(FOLDER, name)).data, nil
    job, work = embed[task](x, table.unpack(x:shape()))
    last = 1000 -- nothing to warm up
    return ("ready %.0f 0"):format(work)
  end
  if task == "train" then
    subject, job, passes = train()
  else
    if loaded ~= name then net, loaded = xai.load(path), name end
    subject = net
    local n, side = task:match "^forward%-(%d+)x(%d+)$"
    if n then
      job, passes = growth(net, tonumber(n), tonumber(side))
    else
      job, passes = tasks[task](net, xai.randn(1, table.unpack(net.input, 2)), path)
    end
    if not job then return "skip " .. passes end
  end
  answer.run "1"
  return ("ready %.0f %.0f"):format(passes * flop(subject), 4 * subject:params())
end

function answer.run(n)
  local times = {}
  local warm = last and last < 200 and 1 or 0 -- what others did to the caches in between does not count
  for i = 1 - warm, tonumber(n) do
    local start = xai.clock()
    job()
    last = 1000 * (xai.clock() - start)
    if i > 0 then times[i] = ("%.4f"):format(last) end
  end
  return table.concat(times, " ")
end

io.stdout:setvbuf "line"
print("xairun " .. xai.version)
for line in io.lines() do
  local verb, first, second = line:match "^(%S+) ?(%S*) ?(%S*)$"
  print(answer[verb](first, second))
end
