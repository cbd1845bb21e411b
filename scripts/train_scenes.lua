-- train_scenes: the networks that ship with xairun, from nothing. The pictures are scenes (xai.scenes), a new one at every
-- step, nearly half of them with two objects that share the target. Ends with a report of how good the network is, in
-- Markdown. Interrupted, it goes on where it was when it is started again.
--
--   xairun train_scenes --net scenes_gap --save models/scenes_gap.safetensors
--   xairun train_scenes --judge default,default-gap                       the tables of docs/models.md, without training
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
  pairs = { 200, "how many scenes of two objects to judge Grad-CAM on; twice as many for the two most probable classes" },
  seed = { 1, "of weights, scenes and dropout" },
  checkpoint = { "train_scenes.ckpt", "where to keep what is reached so far, every 10 000 pictures" },
  save = { "models/scenes.safetensors", "where the weights go, in half precision" },
  judge = { nil, "nothing is trained: the report on these networks, with commas between them" } }

local classes = xai.scenes.classes()

-- ---- training

--- The network with batch normalization, to be trained.
local function untrained()
  local spec = architectures[args.net]
  local layer = spec[1] { classes = #classes, wide = math.tointeger, norm = true }
  return build.net(args.net, layer, { input = { 3, 96, 96 }, weights = "none", preprocess = spec.preprocess })
end

--- y = g (W x - m) / sqrt(v + eps) + b  is a convolution with W' = W g / sqrt(v + eps) and a bias b - m g / sqrt(v + eps).
local function folded(weights)
  local EPS, plain = 1e-5, {}
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
    elseif name:find "^fc" then
      plain[name] = t
    end
  end
  return plain
end

--- Trains, and writes the weights; the network as it ships, and rows about how it was made.
local function train()
  local set = xai.scenes { seed = args.seed, objects = { 1, 2 }, more = 0.45, occluders = 0.2, count = args.pictures }
  local start, steps = xai.clock(), 0 -- of this part of the way, should it go on from a checkpoint
  local net, history = xai.train(untrained(), set, { epochs = 1, batch = args.batch, soft = true, smoothing = 0.05,
    optimiser = "sgd", lr = args.lr, momentum = 0.9, nesterov = true, schedule = { "cosine", warmup = 0.1 },
    weight_decay = args.decay > 0 and args.decay or (args.net == "scenes" and 1e-3 or 5e-4),
    init = "he", init_scale = { conv1 = 0.1 }, seed = args.seed, checkpoint = args.checkpoint, every = 10000 // args.batch,
    on_step = function() steps = steps + 1 end })
  local rate = steps * args.batch / (xai.clock() - start)
  local path = args.save:find "/" and args.save or "./" .. args.save -- not into the folder for pictures
  xai.write(path, folded(net:weights()), { classes = table.concat(classes, "\n") }, { half = true })
  return xai.zoo[args.net] { weights = path, labels = classes }, {
    { "trained on", ("%d scenes, batches of %d, seed %d"):format(args.pictures, args.batch, args.seed) },
    { "time", ("%.1f min at %.0f pictures/s"):format(args.pictures / rate / 60, rate) },
    { "last training loss", ("%.3f"):format(history[#history].loss) } }
end

-- ---- the report

--- The mean of a score as text; nothing when there is none.
local function percent(score) return score and ("%.1f %%"):format(100 * score.mean) or "" end

--- Scenes that no training has seen.
local function fresh(options)
  options.seed, options.count = 1000003 + args.seed, options.count or args.fresh
  return xai.scenes(options)
end

--- Rows { what, figure } about a network, and its accuracy by class: on scenes with occluders, on drawings held out.
local function judge(net)
  local clear = xai.score.accuracy(net, fresh {})
  local hidden = xai.score.accuracy(net, fresh { occluders = 0.2 })
  local unseen = xai.score.accuracy(net, fresh { drawings = "held-out" })
  local both = xai.score.accuracy(net, fresh { objects = 2, count = 2 * args.pairs }, { top = 2, all = true })
  local function pointing(method)
    return percent(xai.score(method, net, fresh { objects = 2, count = args.pairs }, { metrics = { "pointing" } }).pointing)
  end
  local filters = xai.score.filters(net:weight "conv1")
  return {
    { "parameters", tostring(net:params()) },
    { ("accuracy, %d fresh scenes of one object"):format(args.fresh), percent(clear) },
    { "the same, a fifth of them partly hidden by a shape", percent(hidden) },
    { "accuracy on drawings held out of training", percent(unseen) },
    { ("Grad-CAM's maximum in the right object's box, %d scenes of two objects, both classes"):format(args.pairs),
      ("%s (a random map: %s)"):format(pointing "gradcam", pointing "random") },
    { ("both classes among the two most probable, %d such scenes"):format(2 * args.pairs), percent(both) },
    { "first-layer filters that are smooth; of these clearly oriented", ("%d of %d; %d"):format(filters.smooth, #filters, filters.oriented) },
  }, hidden.by_class, unseen.by_class
end

--- A table in Markdown; the first row is its head.
local function markdown(rows)
  for i, row in ipairs(rows) do
    print("| " .. table.concat(row, " | ") .. " |")
    if i == 1 then print("|" .. (" --- |"):rep(#row)) end
  end
end

--- Tables with a column or two for each network; made: rows about how the only one was made.
local function report(names, nets, made)
  local rows, by_class = made, { { "class" } }
  table.insert(rows, 1, { "", table.unpack(names) })
  for i, class in ipairs(classes) do by_class[i + 1] = { class } end
  local first = #rows
  for k, net in ipairs(nets) do
    local figures, hidden, unseen = judge(net)
    for i, row in ipairs(figures) do
      rows[first + i] = rows[first + i] or { row[1] }
      table.insert(rows[first + i], row[2])
    end
    table.move({ names[k] .. ", with occluders", "held-out drawings" }, 1, 2, 2 * k, by_class[1])
    for i, class in ipairs(classes) do
      table.move({ percent(hidden[class]), percent(unseen[class]) }, 1, 2, 2 * k, by_class[i + 1])
    end
  end
  markdown(rows)
  print()
  markdown(by_class)
end

xai.seed(args.seed)
if args.judge then
  local names, nets = {}, {}
  for name in args.judge:gmatch "[^,]+" do names[#names + 1], nets[#nets + 1] = name, xai.model(name) end
  report(names, nets, {})
else
  local net, made = train()
  report({ args.net }, { net }, made)
end
