-- xai.score: how good is an explanation? Measures of one map, each callable by itself, and
--
--   local r = xai.score("gradcam", net, xai.scenes { count = 100, objects = 2 }, { metrics = { "pointing", "deletion" } })
--   print(r)                                     -- a table: mean, standard error, number of objects; by class
--   print(r.pointing.mean, r.pointing.se, r.pointing.by_class.dog.mean)
--
-- over a set of pictures whose objects are known. Loops over pixels are in src/score; what the numbers mean is said here.
--
-- A map is an explanation, or a tensor H x W. Where the truth is asked for, it is a box {x=, y=, w=, h=}, a mask (uint8
-- tensor H x W), an object { box =, mask = } of a scene, or a list of those, which counts as one region. Scores are of the
-- class that was explained, or of options.class. Ties in a map are broken by position: the first pixel in reading order wins.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local Explanation = require "xai.explanation"
local native = core.score

local score = {}

local function fail(name, message, ...) core.fail(("score.%s: %s"):format(name, message:format(...))) end

-- ---- options ---------------------------------------------------------------------------------------------------------

--- Stands for an option without a default, of any type.
local OPEN = {}
local function open(o, key)
  if o[key] ~= OPEN then return o[key] end
end

--- The options over their defaults; a default tells the type, and a third table the least value allowed.
local function options_of(name, given, defaults, least)
  local names, o = {}, {}
  for key, default in pairs(defaults) do names[#names + 1], o[key] = key, default end
  table.sort(names)
  for key, value in pairs(check.options("score." .. name, given, names)) do
    local default = defaults[key]
    if default ~= OPEN and type(value) ~= type(default) then fail(name, "%s: expected a %s, got a %s", key, type(default), type(value)) end
    local low = least and least[key] or 0
    if type(default) == "number" and not (value >= low) then fail(name, "%s: expected at least %s, got %s", key, low, value) end
    if math.type(default) == "integer" and math.type(value) ~= "integer" then fail(name, "%s: expected a whole number, got %s", key, value) end
    o[key] = value
  end
  return o
end


-- ---- maps and regions ------------------------------------------------------------------------------------------------

local function is_explanation(e) return getmetatable(e) == Explanation end

--- The map at a size, which is the explanation's own when none is given.
local function map_of(name, e, height, width)
  local values, reduce = e, "max_abs"
  if is_explanation(e) then values, reduce = e.values, e.reduce
  elseif not core.is_tensor(e) then fail(name, "expected an explanation or a map H x W, got a %s", type(e)) end
  local shape = values:shape()
  return core.map(values, reduce, height or e.height or shape[#shape - 1], width or e.width or shape[#shape])
end

local function is_box(v) return type(v) == "table" and type(v.x) == "number" end

--- Boxes and masks of a truth, flat; of an object the one that is preferred, else the other.
local function collect(name, truth, prefer, list)
  if core.is_tensor(truth) or is_box(truth) then list[#list + 1] = truth
  elseif type(truth) ~= "table" then fail(name, "expected a box, a mask, an object or a list of them, got a %s", type(truth))
  elseif truth.box or truth.mask then list[#list + 1] = truth[prefer] or truth.box or truth.mask
  else
    for _, item in ipairs(truth) do collect(name, item, prefer, list) end
  end
  return list
end

local function check_prefer(name, prefer)
  if prefer ~= "box" and prefer ~= "mask" then fail(name, "region: expected box or mask, got '%s'", prefer) end
  return prefer
end

--- The map and the region at one size: the masks', else the one that the truth names, else the map's own.
local function against(name, e, truth, prefer)
  local list = collect(name, truth, check_prefer(name, prefer), {})
  if #list == 0 then fail(name, "the truth is empty (expected a box or a mask)") end
  local height, width = type(truth) == "table" and truth.height or nil, type(truth) == "table" and truth.width or nil
  for _, item in ipairs(list) do
    if core.is_tensor(item) then height, width = item:shape()[1], item:shape()[2] end
  end
  local map = map_of(name, e, height, width)
  return map, native.region(map:shape()[1], map:shape()[2], list)
end

-- ---- the map against the truth ---------------------------------------------------------------------------------------

--- Pointing game (Zhang et al. 2016): 1 when the map's maximum lies in the region, else 0. tolerance: also when it lies
--- nearer than that many pixels (15 in the paper, on pictures of some 400). region: box or mask. smooth: the map is blurred
--- first with that deviation, a share of the longer side (0.02 is usual for gradients).
function score.pointing(e, truth, options)
  local o = options_of("pointing", options, { tolerance = 0.0, region = "box", smooth = 0.0 })
  local map, region = against("pointing", e, truth, o.region)
  if o.smooth > 0 then
    local sigma = o.smooth * math.max(map:shape()[1], map:shape()[2])
    map = native.blur(map, 2 * math.ceil(3 * sigma) + 1, sigma)
  end
  return native.hits(map, region, o.tolerance) and 1 or 0
end

--- Intersection over union of two boxes.
local function overlap(a, b)
  local w = math.min(a.x + a.w, b.x + b.w) - math.max(a.x, b.x)
  local h = math.min(a.y + a.h, b.y + b.h) - math.max(a.y, b.y)
  local both = math.max(0, w) * math.max(0, h)
  return both / (a.w * a.h + b.w * b.h - both)
end

--- IoU of the map's box (or of a box) with the truth's, the best where it has several; and the map's box. The box is that of
--- the largest region above threshold times the maximum: 0.2 (Zhou et al. 2016), 0.15 for Grad-CAM (Selvaraju et al. 2017).
function score.iou(e, truth, options)
  local usual = is_explanation(e) and e.method == "gradcam" and 0.15 or 0.2
  local o = options_of("iou", options, { threshold = usual })
  local box, best = is_box(e) and e, 0
  if not box then
    local size = type(truth) == "table" and truth or {}
    box = core.boxes(map_of("iou", e, size.height, size.width), o.threshold)[1]
  end
  for _, item in ipairs(collect("iou", truth, "box", {})) do
    if not is_box(item) then fail("iou", "expected a box, got a mask") end
    if box then best = math.max(best, overlap(box, item)) end
  end
  return best, box or nil
end

--- Localization error: 0 when the map's box has an IoU of at least 'overlap' with the truth's, else 1. The class is taken as
--- known; with top = k it must also be among the network's k most probable ones (ILSVRC: 1 or 5).
function score.localization_error(e, truth, options)
  local usual = is_explanation(e) and e.method == "gradcam" and 0.15 or 0.2
  local o = options_of("localization_error", options, { threshold = usual, overlap = 0.5, top = 0 })
  local known = o.top == 0
  if not known and not (is_explanation(e) and e.net and e.class) then fail("localization_error", "top: expected the explanation of a class") end
  for _, guess in ipairs(known and {} or e.net:predict(e.x, o.top)) do known = known or guess.id == e.class end
  return known and score.iou(e, truth, { threshold = o.threshold }) >= o.overlap and 0 or 1
end

--- Relevance mass (Arras et al. 2022): which share of the positive values lies in the region.
function score.mass(e, truth, options)
  local o = options_of("mass", options, { region = "mask" })
  return native.mass(against("mass", e, truth, o.region))
end

--- Relevance rank (Arras et al. 2022): of the K largest values, the share in the region, which has K pixels.
function score.rank(e, truth, options)
  local o = options_of("rank", options, { region = "mask" })
  return native.rank(against("rank", e, truth, o.region))
end

--- Sparseness (Chalasani et al. 2020): Gini index of |map|: 0 flat, towards 1 the fewer pixels have it all.
function score.sparseness(e, options)
  options_of("sparseness", options, {})
  return native.gini(map_of("sparseness", e))
end

-- ---- asking the network ----------------------------------------------------------------------------------------------

--- x, a picture or prepared, as one tensor.
local function input_of(net, x) return core.is_image(x) and net:prepare(x) or x end

local function class_of(name, net, e, class)
  if type(class) == "string" then return net:class(class) end
  class = class or (is_explanation(e) and e.class)
  if not class then fail(name, "class: the map says of none, so name one") end
  if math.type(class) ~= "integer" or class < 0 or class >= net.classes then
    fail(name, "class: expected an id from 0 to %d or a label, got %s", net.classes - 1, class)
  end
  return class
end

--- Pictures per pass: so many that the two largest layers take some 96 MB, at most 32.
local function batch_of(net, wanted)
  if wanted > 0 then return wanted end
  local largest = 1
  for _, layer in ipairs(net:layers()) do
    local size = 1
    for _, dim in ipairs(layer.shape or {}) do size = size * math.max(1, dim) end
    largest = math.max(largest, size)
  end
  return math.max(1, math.min(32, (96 << 20) // (8 * largest)))
end

--- The class's probability, or its logit, for every picture of the batch, which is freed.
local function ask(net, batch, class, what)
  local list = {}
  for i, logits in ipairs(net:logits(batch):totable()) do
    local value = logits[class + 1]
    if what == "prob" then
      local top, sum = math.max(table.unpack(logits)), 0
      for _, z in ipairs(logits) do sum = sum + math.exp(z - top) end
      value = math.exp(value - top) / sum
    end
    list[i] = value
  end
  batch:free()
  return list
end

local function check_what(name, what)
  if what ~= "prob" and what ~= "logit" then fail(name, "score: expected prob or logit, got '%s'", what) end
  return what
end

--- Scores of the pictures make(first, n), for first = 0, n, 2n, ... up to 'count' of them, batch by batch.
local function ask_many(name, net, o, class, count, make)
  local list, batch = {}, batch_of(net, o.batch)
  for first = 0, count - 1, batch do
    table.move(ask(net, make(first, math.min(batch, count - first)), class, check_what(name, o.score)), 1, batch, #list + 1, list)
  end
  return list
end

--- Pixels of 'from' become those of 'to', the most relevant first; the class's score after every step.
-- The area is the trapezoids' under the scores over the share of pixels: 0 to 1.
local function curve(name, net, e, from, to, o)
  local class = class_of(name, net, e, open(o, "class"))
  local shape = from:shape()
  local pixels = shape[3] * shape[4]
  local order, step = native.order(map_of(name, e, shape[3], shape[4])), o.step > 0 and o.step or shape[4]
  local steps = -(-pixels // step)
  local values = ask_many(name, net, o, class, steps + 1, function(first, n) return native.mix(from, to, order, step, first, n) end)
  local shares, area = {}, 0
  for i = 0, steps do
    shares[i + 1] = math.min(i * step, pixels) / pixels
    if i > 0 then area = area + (shares[i + 1] - shares[i]) * (values[i] + values[i + 1]) / 2 end
  end
  return { auc = area, curve = values, shares = shares }
end

--- Deletion (Petsiuk et al. 2018): pixels are set to 'fill' (network units; 0 is the mean colour of the usual
--- preprocessing), the most relevant first, 'step' at a time (0: as many as the picture is wide: 224 of 224 x 224).
--- { auc =, curve = {score, ...}, shares = {of the pixels, ...} }; small is good.
function score.deletion(net, x, e, options)
  local o = options_of("deletion", options, { step = 0, fill = 0.0, class = OPEN, score = "prob", batch = 0 }, { fill = -math.huge })
  x = input_of(net, x)
  return curve("deletion", net, e, x, x * 0 + o.fill, o)
end

--- Insertion (Petsiuk et al. 2018): the same from a blurred picture (Gaussian of 'size' x 'size' pixels with deviation
--- 'sigma') to the true one; large is good.
function score.insertion(net, x, e, options)
  local o = options_of("insertion", options, { step = 0, size = 11, sigma = 5.0, class = OPEN, score = "prob", batch = 0 })
  x = input_of(net, x)
  return curve("insertion", net, e, native.blur(x, o.size, o.sigma), x, o)
end

--- Average drop (Chattopadhay et al. 2018), of one picture: max(0, Y - O) / Y with Y the class's probability, O that of the
--- picture times the map (scaled to 0 .. 1); then O and Y. A share, so the papers' per cent are 100 times this. keep: only
--- that share of the pixels, the most relevant, is not hidden (Score-CAM: 0.5).
function score.drop(net, x, e, options)
  local o = options_of("drop", options, { keep = 1.0, class = OPEN, score = "prob" })
  if o.keep > 1 then fail("drop", "keep: expected a share, 0 to 1, got %s", o.keep) end
  x = input_of(net, x)
  local class, shape = class_of("drop", net, e, open(o, "class")), x:shape()
  local map = map_of("drop", e, shape[3], shape[4])
  local seen = native.weigh(x, map, native.order(map), math.ceil(o.keep * shape[3] * shape[4]))
  local y, kept = ask(net, x:copy(), class, check_what("drop", o.score))[1], ask(net, seen, class, o.score)[1]
  return math.max(0, y - kept) / y, kept, y
end

--- Increase in confidence (Chattopadhay et al. 2018), of one picture: 1 when the picture times the map has a higher
--- probability than the picture, else 0. Options as for drop.
function score.increase(net, x, e, options)
  local _, kept, y = score.drop(net, x, e, options)
  return kept > y and 1 or 0
end

--- Infidelity (Yeh et al. 2019): mean of (I . phi - (f(x) - f(x - I)))^2 over 'samples' normal I of deviation 'sigma', a share
--- of the range of x; then beta = mean of (I . phi) (f(x) - f(x - I)) / mean of (I . phi)^2, with which phi is scaled first when
--- normalise is set (for maps that are in other units than the score). f is the logit. phi is the explanation's values
--- where they have the shape of x, otherwise the map, which then counts for each channel.
function score.infidelity(net, x, e, options)
  local o = options_of("infidelity", options,
    { samples = 10, sigma = 0.003, normalise = false, seed = core.seed(), class = OPEN, score = "logit", batch = 0 }, { samples = 1 })
  x = input_of(net, x)
  local class, shape = class_of("infidelity", net, e, open(o, "class")), x:shape()
  local own = is_explanation(e) and e.values:shape() or {}
  local phi = #own == 3 and own[1] == shape[2] and own[2] == shape[3] and own[3] == shape[4] and e.values
    or map_of("infidelity", e, shape[3], shape[4])
  local clean, products = ask(net, x:copy(), class, check_what("infidelity", o.score))[1], {}
  local values = ask_many("infidelity", net, o, class, o.samples, function(first, n)
    local moved = native.noise(x, o.seed, first, n, "normal", o.sigma * (x:max() - x:min()))
    for _, product in ipairs(native.dots(x, moved, phi)) do products[#products + 1] = product end
    return moved
  end)
  local cross, square, sum = 0, 0, 0
  for i, product in ipairs(products) do
    cross, square = cross + product * (clean - values[i]), square + product * product
  end
  local beta = square > 0 and cross / square or 0
  for i, product in ipairs(products) do sum = sum + ((o.normalise and beta or 1) * product - (clean - values[i])) ^ 2 end
  return sum / #products, beta
end

-- ---- asking the method -----------------------------------------------------------------------------------------------

--- What a function returned, as an explanation: a tensor becomes one.
local function as_explanation(name, result, net, x)
  if is_explanation(result) then return result end
  if not core.is_tensor(result) then core.fail(("score: %s: expected an explanation or a map H x W, got a %s"):format(name, type(result))) end
  local shape = x:shape()
  return setmetatable({ values = result, reduce = "max_abs", height = shape[3], width = shape[4], net = net, x = x, method = name,
    target = "", label = "", layer = "", unit = "", options = {}, signed = false, seconds = 0 }, Explanation)
end

--- Random numbers as a map: what any measure gives by chance. Every call draws others, from the seed.
local function chance()
  local calls = 0
  return function(_, x)
    local shape = x:shape()
    calls = calls + 1
    local noise = native.noise(core.zeros(1, 1, shape[3], shape[4]), core.seed(), calls, 1, "uniform", 0.5)
    return (noise + 0.5):reshape(shape[3], shape[4])
  end
end

--- A method by its name ("random" for chance), or a function(net, x, options), as one that gives explanations; its name.
local function method_of(method)
  if type(method) == "function" then
    return function(net, x, options) return as_explanation("the method", method(net, x, options), net, x) end, "function"
  end
  if method == "random" then
    local draw = chance()
    return function(net, x) return as_explanation("random", draw(net, x), net, x) end, "random"
  end
  local run = type(method) == "string" and core.methods[method]
  if run then return function(net, x, options) return setmetatable(run(net, x, options), Explanation) end, method end
  local names = { "random" }
  for name in pairs(core.methods) do names[#names + 1] = name end
  table.sort(names)
  local near = type(method) == "string" and core.nearest(method, names)
  core.fail(("score: no method '%s' (methods: %s, or a function)%s"):format(tostring(method), table.concat(names, ", "),
    near and ("; did you mean '%s'?"):format(near) or ""))
end

--- The options for a method, with the target.
local function with_target(options, target)
  local all = { target = target }
  for key, value in pairs(options or {}) do all[key] = value end
  return all
end

--- The target for another look at the same: the class that was explained the first time.
local function same_target(target, e)
  if target ~= nil then return target end
  return e.class
end

--- Max-sensitivity (Yeh et al. 2019): the largest |phi(x + d) - phi(x)| / |phi(x)| over 'samples' of d, uniform within
--- 'radius', a share of the range of x. options: those of the method.
function score.sensitivity(method, net, x, options)
  local o = options_of("sensitivity", options,
    { samples = 10, radius = 0.02, seed = core.seed(), target = OPEN, options = {} }, { samples = 1 })
  local run = method_of(method)
  x = input_of(net, x)
  local e = run(net, x, with_target(o.options, open(o, "target")))
  local target, norm, largest = same_target(open(o, "target"), e), e.values:norm(), 0
  if norm == 0 then return 0 end
  for i = 0, o.samples - 1 do
    local moved = native.noise(x, o.seed, i, 1, "uniform", o.radius * (x:max() - x:min()))
    largest = math.max(largest, (run(net, moved, with_target(o.options, target)).values - e.values):norm() / norm)
  end
  return largest
end

--- Layers with a matrix of weights, from the top down.
local function weighted_layers(net)
  local names = {}
  for _, layer in ipairs(net:layers()) do
    local weight = (layer.params or 0) > 0 and net:weight(layer.name)
    if weight and #weight:shape() >= 2 then table.insert(names, 1, layer.name) end
  end
  return names
end

--- Cascading randomisation (Adebayo et al. 2018): layer after layer, from the top down, gets random weights, and the map of
--- the same class is compared with the first: a list of { layer =, spearman =, ssim = }, of |map|. A method that looks at the
--- network falls to 0. layers: which, in their order. Statistics of batch normalization stay. options: those of the method.
function score.randomization(method, net, x, options)
  local o = options_of("randomization", options, { layers = OPEN, target = OPEN, options = {} })
  local run = method_of(method)
  x = input_of(net, x)
  local e = run(net, x, with_target(o.options, open(o, "target")))
  local first, target = e:map():abs(), same_target(open(o, "target"), e)
  local stages, view = {}, net
  for i, layer in ipairs(open(o, "layers") or weighted_layers(net)) do
    view = view:with { weights = { [layer] = "random" } }
    local map = run(view, x, with_target(o.options, target)):map():abs()
    stages[i] = { layer = layer, spearman = native.spearman(first, map), ssim = native.ssim(first, map) }
  end
  return stages
end

--- Spearman's rank correlation and structural similarity of two maps of one size.
function score.spearman(a, b) return native.spearman(map_of("spearman", a), map_of("spearman", b)) end
function score.ssim(a, b) return native.ssim(map_of("ssim", a), map_of("ssim", b)) end

-- ---- a set of pictures -----------------------------------------------------------------------------------------------

--- One number per object of a picture. A case is { net, x, e, truth, class, method, options }.
local function truthful(name) return function(c, o) return score[name](c.e, c.truth, o) end end
local function area(name) return function(c, o) return score[name](c.net, c.x, c.e, o).auc end end
local function asked(name) return function(c, o) return (score[name](c.net, c.x, c.e, o)) end end

--- Options for a metric that runs the method again.
local function again(c, o)
  local all = { target = c.class, options = c.options }
  for key, value in pairs(o or {}) do all[key] = value end
  return all
end

local METRICS = {
  { "pointing", truthful "pointing" },
  { "iou", function(c, o) return (score.iou(c.e, c.truth, o)) end },
  { "localization_error", truthful "localization_error" },
  { "mass", truthful "mass" },
  { "rank", truthful "rank" },
  { "sparseness", function(c, o) return score.sparseness(c.e, o) end },
  { "insertion", area "insertion" },
  { "deletion", area "deletion" },
  { "drop", asked "drop" },
  { "increase", asked "increase" },
  { "infidelity", asked "infidelity" },
  { "sensitivity", function(c, o) return score.sensitivity(c.method, c.net, c.x, again(c, o)) end },
  { "randomization", function(c, o) -- what is left of the map when all weights are random
    local stages = score.randomization(c.method, c.net, c.x, again(c, o))
    return #stages > 0 and stages[#stages].spearman or 0
  end },
}
local DEFAULT = { "pointing", "iou", "mass", "rank", "insertion", "deletion" }

--- Of the others more is better (of sparseness it is a matter of taste).
score.lower_is_better = { localization_error = true, deletion = true, drop = true, infidelity = true, sensitivity = true, randomization = true }

--- The names of all metrics for a set.
function score.metrics()
  local names = {}
  for i, metric in ipairs(METRICS) do names[i] = metric[1] end
  return names
end

local function chosen(names)
  local known, list = score.metrics(), {}
  for i, name in ipairs(check.kind("score", "metrics", names, "table") or DEFAULT) do
    for _, metric in ipairs(METRICS) do
      if metric[1] == name then list[i] = metric end
    end
    if not list[i] then
      local near = type(name) == "string" and core.nearest(name, known)
      core.fail(("score: no metric '%s' (metrics: %s)%s"):format(tostring(name), table.concat(known, ", "),
        near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  return list
end

--- The network's class of an object: by its label's text where the network has labels, else by its id.
local function class_of_object(net, object, where)
  if type(object.class) == "string" and net.labels then
    local good, id = pcall(net.class, net, object.class)
    if good then return id end
    core.fail(("score: %s: the network has no class '%s'"):format(where, object.class))
  end
  local id = math.type(object.class) == "integer" and object.class or object.label
  if math.type(id) ~= "integer" or id < 0 or id >= net.classes then
    core.fail(("score: %s: expected an object with a class that the network has (a label, or an id from 0 to %d)"):format(where, net.classes - 1))
  end
  return id
end

--- Pixels that can be seen of an object.
local function extent(object) return object.mask and core.tensor(object.mask, "float32"):sum() or object.box.w * object.box.h end

--- What is asked about a scene: for each class in it the truth, all its objects together; or the largest object's alone.
local function questions(net, scene, size, target, where)
  if type(scene) ~= "table" or scene.image == nil or type(scene.objects) ~= "table" then
    core.fail(("score: %s: expected { image =, objects = { { class =, box =, mask = }, ... } }"):format(where))
  end
  local list, by_class, most = {}, {}, 0
  for _, object in ipairs(scene.objects) do
    local pixels = (object.box or object.mask) and extent(object) or 0 -- nothing can be seen of some
    if pixels > 0 then
      local class = class_of_object(net, object, where)
      if not by_class[class] then
        by_class[class] = { class = class, name = type(object.class) == "string" and object.class or net:label(class) or tostring(class),
          truth = { height = size.height, width = size.width } }
        list[#list + 1] = by_class[class]
      end
      table.insert(by_class[class].truth, object)
      if pixels > most then most, list.largest = pixels, by_class[class] end
    end
  end
  return target == "largest" and { list.largest } or list
end

--- The picture's size, in which boxes and masks are; refused where the network sees only a part of the picture.
local function size_of(net, image, x, where)
  local shape = x:shape()
  if not core.is_image(image) then return { height = shape[3], width = shape[4] } end
  if net.crops and (image.width ~= shape[4] or image.height ~= shape[3]) then
    core.fail(("score: %s: a picture of %dx%d is cropped for the network, so boxes would not fit (expected %dx%d)"):format(where,
      image.width, image.height, shape[4], shape[3]))
  end
  return { height = image.height, width = image.width }
end

--- Mean and standard error of a list.
local function summary(values)
  local n, sum, square = #values, 0, 0
  for _, v in ipairs(values) do sum = sum + v end
  local mean = sum / n
  for _, v in ipairs(values) do square = square + (v - mean) ^ 2 end
  return { mean = n > 0 and mean or nil, se = n > 1 and math.sqrt(square / (n - 1) / n) or nil, n = n }
end

local Result = {}

--- What is gathered: values[class][i] is the list of metric i's values for the objects of a class.
local function add_values(result, name, values)
  local lists = result.values[name]
  if not lists then
    lists = {}
    for i = 1, #values do lists[i] = {} end
    result.values[name] = lists
    table.insert(result.classes, name)
  end
  for i, value in ipairs(values) do table.insert(lists[i], value) end
  result.objects = result.objects + 1
end

--- The rows of the result, one per metric.
local function summarize(result, metrics)
  table.sort(result.classes)
  for i, metric in ipairs(metrics) do
    local all, means, by_class = {}, {}, {}
    for k, name in ipairs(result.classes) do
      local values = result.values[name][i]
      table.move(values, 1, #values, #all + 1, all)
      by_class[name] = summary(values)
      means[k] = by_class[name].mean
    end
    local row = summary(all)
    row.metric, row.by_class, row.class_mean = metric[1], by_class, summary(means).mean
    result[i], result[metric[1]] = row, row
  end
  return setmetatable(result, Result)
end

--- Lines of text in columns: the first to the left, numbers to the right.
function score.aligned(rows)
  local width, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do width[i] = math.max(width[i] or 0, #cell) end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for k, cell in ipairs(row) do cells[k] = (("%%%s%ds"):format(k == 1 and "-" or "", width[k])):format(cell) end
    lines[i] = (table.concat(cells, "  "):gsub(" +$", ""))
  end
  return table.concat(lines, "\n")
end

local function text(v) return v and ("%.3f"):format(v) or "-" end

function Result:__tostring()
  local rows, classes = { { "metric", "mean", "+-", "n", "mean of classes" } }, { { "class", "n" } }
  for _, row in ipairs(self) do
    rows[#rows + 1] = { row.metric, text(row.mean), text(row.se), tostring(row.n), text(row.class_mean) }
    table.insert(classes[1], row.metric)
  end
  for _, name in ipairs(self.classes) do
    local line = { name, tostring(self[1].by_class[name].n) }
    for _, row in ipairs(self) do line[#line + 1] = text(row.by_class[name].mean) end
    classes[#classes + 1] = line
  end
  local out = { ("%s: %d pictures, %d objects, %.3g s for a map%s"):format(self.method, self.pictures, self.objects, self.seconds,
    self.stopped and ", interrupted" or ""), score.aligned(rows) }
  if #self.classes > 1 then out[3] = score.aligned(classes) end
  return table.concat(out, "\n")
end

local KEYS = { "metrics", "target", "options", "count", table.unpack(score.metrics()) }

local function settings(set, options)
  options = check.options("score", options, KEYS)
  local target = options.target or "each object"
  if target ~= "each object" and target ~= "largest" then
    core.fail(("score: target: expected 'each object' or 'largest', got '%s'"):format(tostring(target)))
  end
  if type(set) ~= "table" and type(set) ~= "userdata" then core.fail("score: set: expected scenes or a list of pictures, got a " .. type(set)) end
  return options, chosen(options.metrics), target, math.min(#set, check.kind("score", "count", options.count, "number") or #set)
end

--- xai.score(method, net, set, options): see help "score". An interrupt (Ctrl-C) ends it with what there is.
local function over_set(method, net, set, options)
  local run, name = method_of(method)
  local metrics, target, count
  options, metrics, target, count = settings(set, options)
  local result = { method = name, classes = {}, pictures = 0, objects = 0, seconds = 0, values = {} }
  local seconds, tell = 0, say.progress("score " .. name, count)

  local function judge(question, x)
    local started = core.clock()
    local e = run(net, x, with_target(options.options, question.class))
    seconds = seconds + core.clock() - started
    e.class = e.class or question.class
    local case = { net = net, x = x, e = e, truth = question.truth, class = question.class, method = method, options = options.options }
    local values = {}
    for i, metric in ipairs(metrics) do values[i] = metric[2](case, options[metric[1]]) end
    add_values(result, question.name, values)
  end

  result.stopped = not core.until_stopped(function()
    for i = 1, count do
      local scene, where = set[i], "picture " .. i
      local x = type(scene) == "table" and scene.image and input_of(net, scene.image)
      local size = x and size_of(net, scene.image, x, where)
      for _, question in ipairs(questions(net, scene, size, target, where)) do judge(question, x) end
      result.pictures = i
      tell(i)
    end
  end)
  result.seconds = result.objects > 0 and seconds / result.objects or 0
  return summarize(result, metrics)
end

return setmetatable(score, { __call = function(_, ...) return over_set(...) end })
