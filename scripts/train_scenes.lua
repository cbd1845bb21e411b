-- train_scenes: the networks that ship with xairun, from nothing. The pictures are scenes (xai.scenes), a new one at every
-- step, nearly half of them with two objects that share the target. Ends with a report of how good the network is, in
-- Markdown, which docs/models.md quotes. Interrupted, it goes on where it was when it is started again.
local xai = require "xai"
local build = require "xai.build"
local architectures = require "xai.zoo.scenes"
local args = xai.args { "Trains the networks that ship with xairun.",
  net = { "scenes", "scenes or scenes_gap" },
  pictures = { 340000, "how many to train on" },
  batch = { 64, "pictures per step" },
  lr = { 0.05, "highest learning rate; it rises for a tenth of the time and then falls as a cosine" },
  decay = { 0, "weight decay; 0: 1e-3 for scenes, 5e-4 for scenes_gap" },
  fresh = { 2400, "how many scenes to judge it on" },
  seed = { 1, "of weights, scenes and dropout" },
  checkpoint = { "train_scenes.ckpt", "where to keep what is reached so far, every 10 000 pictures" },
  save = { "models/scenes.safetensors", "where the weights go, in half precision" } }

local INPUT = { mean = 127.5, scale = 64 } -- x = (byte - mean) / scale
local classes = xai.scenes.classes()

--- The network with batch normalization, to be trained.
local function untrained()
  local spec = architectures[args.net]
  local layer = spec[1] { classes = #classes, wide = math.tointeger, norm = true }
  return build.net(args.net, layer, { input = { 3, 96, 96 }, weights = "none" })
end

--- y = g (W x - m) / sqrt(v + eps) + b  is a convolution with W' = W g / sqrt(v + eps) and a bias b - m g / sqrt(v + eps).
local function folded(net, path)
  local EPS = 1e-5
  net:save(path)
  local weights, plain = xai.read(path), {}
  for name, t in pairs(weights) do
    local i = name:match "^conv(%d)%.weight$"
    if i then
      local function of(what) return weights[("norm%s.%s"):format(i, what)]:totable() end
      local g, b, m, v = of "weight", of "bias", of "running_mean", of "running_var"
      local rows, bias = t:reshape(#g, -1):totable(), {}
      for c = 1, #g do
        local factor = g[c] / math.sqrt(v[c] + EPS)
        for k = 1, #rows[c] do rows[c][k] = rows[c][k] * factor end
        bias[c] = b[c] - m[c] * factor
      end
      plain[name], plain["conv" .. i .. ".bias"] = xai.tensor(rows):reshape(table.unpack(t:shape())), xai.tensor(bias)
    elseif not name:find "^norm" and name:find "^fc" then
      plain[name] = t
    end
  end
  xai.write(path, plain, { classes = table.concat(classes, "\n") }, { half = true })
  return xai.zoo[args.net] { weights = path, labels = classes }
end

--- Share of right answers on scenes of one object that it has never seen, by class and in all.
local function accuracy(net, options)
  options.seed, options.count = 1000003 + args.seed, args.fresh
  local set, right, n = xai.scenes(options), {}, {}
  local all = 0
  for first = 1, #set, 64 do
    local count = math.min(64, #set - first + 1)
    local x, labels = set:batch(first, count, INPUT)
    local scores = net:logits(x)
    for k = 1, count do
      local label, best, at = labels:get(k), -math.huge, 0
      for c = 1, #classes do
        local s = scores:get(k, c)
        if s > best then best, at = s, c - 1 end
      end
      n[label], right[label] = (n[label] or 0) + 1, (right[label] or 0) + (at == label and 1 or 0)
      all = all + (at == label and 1 or 0)
    end
  end
  return all / #set, function(label) return n[label] and right[label] / n[label] end
end

local function percent(share) return share and ("%.1f %%"):format(100 * share) or "" end

local function report(net, seconds, history)
  local fresh, by_class = accuracy(net, { occluders = 0.2 })
  local clear = accuracy(net, {})
  local unseen, unseen_by_class = accuracy(net, { drawings = "held-out" })
  print(("| trained on | %d scenes, batches of %d, seed %d |"):format(args.pictures, args.batch, args.seed))
  print(("| parameters | %d |"):format(net:params()))
  print(("| time | %.1f min, %.0f pictures/s |"):format(seconds / 60, args.pictures / seconds))
  print(("| last training loss | %.3f |"):format(history[#history].loss))
  print(("| accuracy, %d fresh scenes of one object | %s; with occluders %s |"):format(args.fresh, percent(clear), percent(fresh)))
  print(("| accuracy on drawings held out of training | %s |"):format(percent(unseen)))
  print "\n| class | with occluders | drawings held out |\n| --- | --- | --- |"
  for label, name in ipairs(classes) do
    print(("| %s | %s | %s |"):format(name, percent(by_class(label - 1)), percent(unseen_by_class(label - 1))))
  end
end

xai.seed(args.seed)
local set = xai.scenes { seed = args.seed, objects = { 1, 2 }, more = 0.45, occluders = 0.2, count = args.pictures }
local data = { batch = function(_, first, n) return set:batch(first, n, INPUT) end }
setmetatable(data, { __len = function() return #set end })

local start = xai.clock()
local net, history = xai.train(untrained(), data, { epochs = 1, batch = args.batch, soft = true, smoothing = 0.05,
  optimiser = "sgd", lr = args.lr, momentum = 0.9, nesterov = true, schedule = { "cosine", warmup = 0.1 },
  weight_decay = args.decay > 0 and args.decay or (args.net == "scenes" and 1e-3 or 5e-4),
  init = "he", init_scale = { conv1 = 0.1 }, seed = args.seed, checkpoint = args.checkpoint, every = 10000 // args.batch })
local seconds = xai.clock() - start
local path = args.save:find "/" and args.save or "./" .. args.save -- not into the folder for pictures
report(folded(net, path), seconds, history)
